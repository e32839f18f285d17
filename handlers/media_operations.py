"""The calls for playlists, segments and pictures, documented (``handlers.documentation``)."""

from typing import Any

from handlers.answers import Bytes, Playlist, Presentation, WebVtt
from handlers.catalogue import PICTURE_TYPE, SEGMENT_TYPE
from handlers.documentation import Header, Operation, Reply, Tag
from handlers.media import VersionQuery
from handlers.packages import DASH_TYPE, PLAYLIST_TYPE, TEXT_TYPE
from media_pipeline.packages.package import AUDIO_TYPE, VIDEO_TYPE
from media_pipeline.packages.packed_audio import MEDIA_TYPE as PACKED_TYPE


def _document(
    name: str, summary: str, media_type: str, content: Any, *, description: str = ""
) -> Operation:
    return Operation(
        name,
        summary,
        Tag.CATALOGUE,
        (Reply(200, "The text.", content, media_type, headers=(Header.ETAG,)),),
        description=description,
        is_conditional=True,
        query=VersionQuery if media_type == TEXT_TYPE else None,
    )


def _playlist(name: str, summary: str, *, description: str = "") -> Operation:
    return _document(name, summary, PLAYLIST_TYPE, Playlist, description=description)


def _bytes(name: str, summary: str, *media_types: str) -> Operation:
    headers = (Header.ETAG, Header.ACCEPT_RANGES)
    return Operation(
        name,
        summary,
        Tag.CATALOGUE,
        tuple(
            Reply(200, "The bytes.", Bytes, media_type, headers=headers)
            for media_type in media_types
        ),
        is_conditional=True,
        is_ranged=True,
        query=VersionQuery,
    )


MULTIVARIANT_PLAYLIST = _playlist(
    "getMultivariantPlaylist", "The playlist of the renditions (HLS, MPEG-TS)"
)
MEDIA_PLAYLIST = _playlist(
    "getMediaPlaylist",
    "The playlist of a rendition, a further sound or subtitles (HLS, MPEG-TS)",
)
I_FRAME_PLAYLIST = _playlist(
    "getIFramePlaylist", "The playlist of a rendition's IDRs, for winding (HLS, MPEG-TS)"
)
SEGMENT = _bytes("getSegment", "A segment with sound and picture", SEGMENT_TYPE)
PACKED_SEGMENT = _bytes("getPackedSegment", "A segment of a further sound (ADTS)", PACKED_TYPE)
TEXT_SEGMENT = _document(
    "getTextSegment", "Subtitles on the time line of MPEG-TS segments", TEXT_TYPE, WebVtt
)
CMAF_MULTIVARIANT_PLAYLIST = _playlist(
    "getCmafMultivariantPlaylist", "The playlist of the renditions (HLS, CMAF)"
)
CMAF_MEDIA_PLAYLIST = _playlist(
    "getCmafMediaPlaylist", "The playlist of a rendition, a sound or subtitles (HLS, CMAF)"
)
CMAF_I_FRAME_PLAYLIST = _playlist(
    "getCmafIFramePlaylist", "The playlist of a rendition's IDRs, for winding (HLS, CMAF)"
)
CMAF_INIT = _bytes(
    "getCmafInit", "The initialisation part of a rendition or sound", VIDEO_TYPE, AUDIO_TYPE
)
CMAF_SEGMENT = _bytes("getCmafSegment", "A segment of a rendition or sound", VIDEO_TYPE, AUDIO_TYPE)
CMAF_TEXT_SEGMENT = _document(
    "getCmafTextSegment", "Subtitles on the time line of CMAF segments", TEXT_TYPE, WebVtt
)
PRESENTATION = _document("getPresentation", "The presentation (DASH)", DASH_TYPE, Presentation)
TEXT = _document("getSubtitles", "Subtitles as a file", TEXT_TYPE, WebVtt)
STORYBOARD = _document(
    "getStoryboard",
    "Where the small pictures for a seek bar stand",
    TEXT_TYPE,
    WebVtt,
)
IMAGE_PLAYLIST = _playlist("getImagePlaylist", "The playlist of the sheets of small pictures (HLS)")
SPRITE = _bytes("getSprite", "A sheet of small pictures", PICTURE_TYPE)
THUMBNAIL = Operation(
    "getThumbnail",
    "The picture of a video",
    Tag.CATALOGUE,
    (Reply(200, "The picture.", Bytes, PICTURE_TYPE, headers=(Header.ETAG,)),),
    is_conditional=True,
)
