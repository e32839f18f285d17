"""A title as the formats that are made of it on request see it: tracks, small files, URLs.

URLs begin with the title's ``base`` and have no relative parts, so that paths with and without
a final slash lead to the same. Those of things that a new encode changes end in ``?v=`` and the
generation: what a player has kept can never be mixed with a new encode.
"""

from media_pipeline.errors import DamagedTitle
from media_pipeline.packages.playlists import segment_name
from media_pipeline.titles.cmaf import AudioTrack, VideoTrack
from media_pipeline.titles.manifest import AudioFacts, SubtitleFacts
from media_pipeline.titles.side_files import SIGNATURE, STORYBOARD, sprite_file, subtitle_file
from media_pipeline.titles.title import Title
from media_pipeline.titles.verified import Part

VIDEO_TYPE, AUDIO_TYPE = "video/mp4", "audio/mp4"


class Package:
    """``base`` is the root-relative path of the title, without a slash at its end.

    Methods that open tracks, each once, or read block. Thread-safe: nothing changes but which
    tracks are open, and opening one twice does no harm.
    """

    def __init__(self, title: Title, base: str, generation: str) -> None:
        self.title = title
        self.base = base
        self.generation = generation
        self.manifest = title.manifest
        self.grid = title.grid
        self.sounds: dict[str, AudioFacts] = {facts.name: facts for facts in title.manifest.audio}
        self.texts: dict[str, SubtitleFacts] = {
            facts.name: facts for facts in title.manifest.subtitles
        }
        self._videos: dict[str, VideoTrack] = {}
        self._audios: dict[str, AudioTrack] = {}
        self.files = title.files

    @property
    def packed(self) -> list[AudioFacts]:
        """The sounds that MPEG-TS segments do not carry."""
        return list(self.manifest.audio[1:])

    def url(self, path: str) -> str:
        """The URL of something that no new encode changes."""
        return f"{self.base}/{path}"

    def versioned(self, path: str) -> str:
        return f"{self.base}/{path}?v={self.generation}"

    def ts_segment(self, rendition: str, index: int) -> str:
        return self.url(f"{rendition}/{segment_name(index)}")

    def packed_segment(self, sound: str, index: int) -> str:
        return self.versioned(f"{sound}/{segment_name(index, 'aac')}")

    def cmaf_segment(self, track: str, index: int) -> str:
        return self.versioned(f"cmaf/{track}/{segment_name(index, 'm4s')}")

    def cmaf_init(self, track: str) -> str:
        return self.versioned(f"cmaf/{track}/init.mp4")

    def sprite(self, sheet: int) -> str:
        return self.versioned(sprite_file(sheet))

    def video(self, rendition: str) -> VideoTrack:
        if rendition not in self._videos:
            self._videos[rendition] = VideoTrack(
                self.title.folder, rendition, self.grid, self.files
            )
        return self._videos[rendition]

    def audio(self, sound: str) -> AudioTrack:
        if sound not in self._audios:
            self._audios[sound] = AudioTrack(self.title.folder, sound, self.grid, self.files)
        return self._audios[sound]

    def track(self, name: str) -> VideoTrack | AudioTrack:
        """Raises KeyError for a name that is no track's."""
        if name in self.sounds:
            return self.audio(name)
        if name in self.title.renditions:
            return self.video(name)
        raise KeyError(name)

    def opened(self, name: str) -> VideoTrack | AudioTrack | None:
        """The track where it is open already: the only method about tracks that cannot block."""
        return self._videos.get(name) or self._audios.get(name)

    def small_file(self, name: str) -> Part:
        try:
            return self.files[name]
        except KeyError as error:
            raise DamagedTitle(f"the manifest does not list {name}") from error

    def text(self, name: str) -> str:
        """Subtitles as they are on the disk: times are the title's."""
        return self.small_file(subtitle_file(name)).read().decode()

    def mapped_text(self, name: str, start: int) -> str:
        """Subtitles as a segment of a presentation whose time 0 is at ``start`` ticks of the
        MPEG-2 clock (RFC 8216 §3.5)."""
        mapped = f"{SIGNATURE}X-TIMESTAMP-MAP=MPEGTS:{start},LOCAL:00:00:00.000\n"
        return mapped + self.text(name).removeprefix(SIGNATURE)

    def storyboard(self) -> str:
        """The WebVTT file of the small pictures; its URLs lead on from any path."""
        text = self.small_file(STORYBOARD).read().decode()
        for sheet in range(self.manifest.storyboard.sheets):
            text = text.replace(f"\n{sprite_file(sheet)}#", f"\n{self.sprite(sheet)}#")
        return text
