"""The DASH presentation against ISO/IEC 23009-1, read with an XML parser alone."""

from collections.abc import Iterator
from fractions import Fraction
from xml.etree import ElementTree

import pytest

from media_pipeline.packages import dash
from media_pipeline.packages.package import Package
from media_pipeline.timeline import AUDIO_RATE
from tests.clips.fixtures import ClipCache
from tests.media_pipeline.test_segments import REORDERED, title_of
from tests.media_pipeline.titles import packaged, rich_title

NAMESPACE = "{urn:mpeg:dash:schema:mpd:2011}"
# The order that the schema (Annex B) gives the children in use.
ORDER = {
    "MPD": ["BaseURL", "Period"],
    "Period": ["AdaptationSet"],
    "AdaptationSet": ["Label", "Accessibility", "Role", "SegmentTemplate", "Representation"],
    "Representation": ["AudioChannelConfiguration", "EssentialProperty", "BaseURL"],
    "SegmentTemplate": ["SegmentTimeline"],
    "SegmentTimeline": ["S"],
}
REQUIRED = {
    "MPD": {"profiles", "minBufferTime", "mediaPresentationDuration", "type"},
    "Representation": {"id", "bandwidth"},
    "S": {"d"},
    "Role": {"schemeIdUri", "value"},
    "EssentialProperty": {"schemeIdUri", "value"},
    "AudioChannelConfiguration": {"schemeIdUri", "value"},
}


@pytest.fixture(scope="module", params=["rich", REORDERED])
def package(request: pytest.FixtureRequest, clip_cache: ClipCache) -> Package:
    if request.param == "rich":
        return packaged(rich_title(clip_cache))
    return packaged(title_of(request.param, clip_cache))


@pytest.fixture
def mpd(package: Package) -> ElementTree.Element:
    return ElementTree.fromstring(dash.presentation(package))  # noqa: S314 -- our own document


def sets(mpd: ElementTree.Element, kind: str) -> list[ElementTree.Element]:
    found = mpd.findall(f"{NAMESPACE}Period/{NAMESPACE}AdaptationSet")
    return [each for each in found if each.get("contentType") == kind]


def one(parent: ElementTree.Element, tag: str) -> ElementTree.Element:
    [found] = parent.findall(f"{NAMESPACE}{tag}")
    return found


def values(parent: ElementTree.Element, tag: str) -> list[str | None]:
    return [found.get("value") for found in parent.findall(f"{NAMESPACE}{tag}")]


def seconds(text: str | None) -> Fraction:
    assert text is not None
    assert text.startswith("PT"), "xs:duration"
    assert text.endswith("S"), "xs:duration"
    return Fraction(text[2:-1])


def spans(template: ElementTree.Element) -> Iterator[tuple[int, int]]:
    """Start and length of every segment (§5.3.9.6)."""
    time = 0
    for entry in one(template, "SegmentTimeline"):
        time = int(entry.get("t", time))
        for _ in range(int(entry.get("r", "0")) + 1):
            yield time, int(entry.attrib["d"])
            time += int(entry.attrib["d"])


def test_elements_and_attributes_are_those_of_the_schema(mpd: ElementTree.Element) -> None:
    for element in mpd.iter():
        tag = element.tag.removeprefix(NAMESPACE)
        assert element.tag.startswith(NAMESPACE), "Annex B: the namespace"
        assert element.attrib.keys() >= REQUIRED.get(tag, set()), f"Annex B: {tag}"
        order = ORDER.get(tag, [])
        children = [order.index(child.tag.removeprefix(NAMESPACE)) for child in element]
        assert children == sorted(children), f"Annex B: the order in {tag}"
    identities = [each.get("id") for each in mpd.iter(f"{NAMESPACE}Representation")]
    assert len(set(identities)) == len(identities), "§5.3.5.2: @id is unique in its period"
    assert mpd.get("type") == "static", "§5.3.1.2"
    assert "urn:mpeg:dash:profile:isoff-live:2011" in mpd.get("profiles", ""), "§8.4"


def test_the_presentation_is_as_long_as_the_film(
    package: Package, mpd: ElementTree.Element
) -> None:
    grid = package.grid
    duration = seconds(mpd.get("mediaPresentationDuration"))
    assert abs(duration - grid.duration) < Fraction(1, 1_000_000), "§5.3.1.2"
    longest = max(grid.segment_seconds(index) for index in range(grid.segment_count))
    assert seconds(mpd.get("minBufferTime")) >= longest - Fraction(1, 1_000_000), "§5.3.1.2"


def test_templates_name_every_segment_with_its_exact_time(
    package: Package, mpd: ElementTree.Element
) -> None:
    grid = package.grid
    base = one(mpd, "BaseURL").text or ""
    for adaptation_set in (*sets(mpd, "video"), *sets(mpd, "audio")):
        template = one(adaptation_set, "SegmentTemplate")
        timescale = int(template.attrib["timescale"])
        found = list(spans(template))
        assert len(found) == grid.segment_count, "§5.3.9.6"
        assert found[0][0] == 0, "§5.3.9.6: @t"
        for representation in adaptation_set.findall(f"{NAMESPACE}Representation"):
            name = representation.attrib["id"]
            assert template.get("startNumber") == "0", "§5.3.9.5.3: @startNumber"
            for index in range(grid.segment_count):
                media = template.attrib["media"].replace("$RepresentationID$", name)
                url = base + media.replace("$Number%03d$", f"{index:03d}")
                assert url == package.cmaf_segment(name, index), "§5.3.9.4.4"
            init = template.attrib["initialization"].replace("$RepresentationID$", name)
            assert base + init == package.cmaf_init(name), "§5.3.9.4.4"
            measures = package.track(name).measures()
            assert [ticks for _, ticks in found] == [each.ticks for each in measures], (
                "§5.3.9.6: @t and @d"
            )
            rates = [8 * each.size * timescale / Fraction(each.ticks) for each in measures]
            assert 0 <= int(representation.attrib["bandwidth"]) - max(rates) < 1, "§5.3.5.2"
        end = sum(length for _, length in found)
        assert 0 <= Fraction(end, timescale) - grid.duration <= Fraction(1, 4), (
            "§5.3.9.6: the last one ends with the film"
        )


def test_pictures(package: Package, mpd: ElementTree.Element) -> None:
    [found] = sets(mpd, "video")
    assert found.get("mimeType") == "video/mp4", "§5.3.7.2: @mimeType"
    assert Fraction(found.attrib["frameRate"]) == package.grid.rate, "§5.3.7.2"
    assert found.get("segmentAlignment") == "true", "§5.3.3.2"
    listed = [
        (each.get("id"), each.get("codecs"), each.get("width"), each.get("height"))
        for each in found.findall(f"{NAMESPACE}Representation")
    ]
    encoded = [
        (facts.name, facts.codecs, str(facts.width), str(facts.height))
        for facts in package.manifest.renditions
    ]
    assert listed == encoded, "§5.3.5, §5.3.7.2"


def test_sounds(package: Package, mpd: ElementTree.Element) -> None:
    found = sets(mpd, "audio")
    assert len(found) == len(package.manifest.audio), "§5.3.3: one for each sound"
    for adaptation_set, facts in zip(found, package.manifest.audio, strict=True):
        assert adaptation_set.get("mimeType") == "audio/mp4", "§5.3.7.2: @mimeType"
        assert adaptation_set.get("lang", "und") == facts.language, "§5.3.3.2"
        assert one(adaptation_set, "Label").text == facts.label, "§5.3.10"
        roles = ["main" if facts.is_default else "alternate", *facts.roles]
        assert values(adaptation_set, "Role") == roles, "§5.8.5.5"
        representation = one(adaptation_set, "Representation")
        assert representation.get("codecs") == facts.codecs, "§5.3.7.2: @codecs"
        assert representation.get("audioSamplingRate") == str(AUDIO_RATE), (
            "§5.3.7.2: @audioSamplingRate"
        )
        assert values(representation, "AudioChannelConfiguration") == ["2"], "§5.8.5.4"


def test_subtitles(package: Package, mpd: ElementTree.Element) -> None:
    found = sets(mpd, "text")
    assert len(found) == len(package.texts), "§5.3.3: one for each language"
    for adaptation_set, facts in zip(found, package.manifest.subtitles, strict=True):
        assert adaptation_set.get("mimeType") == "text/vtt", "§5.3.7.2: @mimeType"
        assert adaptation_set.get("lang", "und") == facts.language, "§5.3.3.2: @lang"
        kind = "caption" if facts.is_hearing_impaired else "subtitle"
        use = "main" if facts.is_default else "alternate"
        assert values(adaptation_set, "Role") == [kind, use], "§5.8.5.5"
        url = one(one(adaptation_set, "Representation"), "BaseURL").text
        assert url == f"/api/video/1/{facts.name}.vtt?v=generation", "§5.6"


def test_thumbnails(package: Package, mpd: ElementTree.Element) -> None:
    facts, grid = package.manifest.storyboard, package.grid
    [found] = sets(mpd, "image")
    template = one(found, "SegmentTemplate")
    timescale = int(template.attrib["timescale"])
    lasts = Fraction(int(template.attrib["duration"]), timescale)
    assert lasts == facts.columns * facts.rows * facts.interval / grid.rate, "DASH-IF IOP §6.2.6"
    assert -(-grid.duration // lasts) == facts.sheets, "§5.3.9.5.3: as many numbers as sheets"
    assert template.get("media") == "sprite-$Number$.jpg?v=generation", "§5.3.9.4.4"
    representation = one(found, "Representation")
    [tiles] = representation.findall(f"{NAMESPACE}EssentialProperty")
    assert tiles.get("schemeIdUri") == "http://dashif.org/guidelines/thumbnail_tile", (
        "DASH-IF IOP §6.2.6"
    )
    assert tiles.get("value") == f"{facts.columns}x{facts.rows}", "DASH-IF IOP §6.2.6"
    assert representation.get("width") == str(facts.columns * facts.width), "DASH-IF IOP §6.2.6"
    assert representation.get("height") == str(facts.rows * facts.height), "DASH-IF IOP §6.2.6"
