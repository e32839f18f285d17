"""The calls of admins, documented. How to add one: see ``handlers.documentation``."""

from handlers import schemas
from handlers.answers import (
    Account,
    Categories,
    Detail,
    EventStream,
    MemberList,
    RetriedMany,
    StorageFigures,
    VideoList,
    VideoRecord,
)
from handlers.documentation import FORM_TYPE, FieldErrorsOf, Operation, Reply, Tag
from handlers.events import EVENT_TYPE
from handlers.thumbnails import PICTURE_TYPES
from handlers.users import UserListQuery
from handlers.videos import VideoListQuery

UPLOAD = Operation(
    "uploadVideo",
    "Add a film",
    Tag.ADMIN,
    (
        Reply(201, "The film is kept, and waits to be encoded.", VideoRecord),
        Reply(400, "The file is no video that can be used; nothing of it is kept.", Detail),
        Reply(413, "The film or the thumbnail is too large.", Detail),
        Reply(507, "There is not enough free space.", Detail),
    ),
    description="The form is read as it arrives; it may be as large as `upload.max_bytes` allows. "
    "The film is looked at before the answer, which may take some seconds.",
    request=schemas.VideoUpload,
    request_type=FORM_TYPE,
)

VIDEO_LIST = Operation(
    "listAllVideos",
    "All videos, whatever their status",
    Tag.ADMIN,
    (Reply(200, "One page. One beyond the last is empty.", VideoList),),
    query=VideoListQuery,
)

EDIT = Operation(
    "editVideo",
    "Change what is said of a video",
    Tag.ADMIN,
    (Reply(200, "The record as it is now.", VideoRecord),),
    description="The same limits as at an upload. Those who listen to events are told.",
    request=schemas.VideoEdit,
)

DELETE = Operation(
    "deleteVideo",
    "Delete a video and everything of it, also while it is being encoded",
    Tag.ADMIN,
    (Reply(204, "Nobody can play it any more; its encoder ends within seconds."),),
    description="Its source, all encodes, its picture and what is remembered of who watched it. "
    "There is no way back.",
    request=schemas.Empty,
)

CATEGORIES = Operation(
    "listCategories",
    "Categories to choose from",
    Tag.ADMIN,
    (Reply(200, "The categories.", Categories),),
)

PUT_THUMBNAIL = Operation(
    "putThumbnail",
    "Show a picture of one's own for a video",
    Tag.ADMIN,
    (
        Reply(200, "The record; `thumbnail_url` is another one now.", VideoRecord),
        Reply(400, "This is no picture that can be shown.", FieldErrorsOf(schemas.Picture)),
        Reply(413, "The picture is too large.", Detail),
        Reply(507, "There is not enough free space.", Detail),
    ),
    description="The body is a JPEG, PNG or WebP. It is decoded, and made anew 640 pixels wide.",
    bytes_types=PICTURE_TYPES,
)

DELETE_THUMBNAIL = Operation(
    "deleteThumbnail",
    "Show the picture made from the film again",
    Tag.ADMIN,
    (Reply(200, "The record; `thumbnail_url` is another one now.", VideoRecord),),
    description="A video that was not encoded yet has none until it is.",
    request=schemas.Empty,
)

STORAGE = Operation(
    "getStorage",
    "What the disk and the cache hold",
    Tag.ADMIN,
    (Reply(200, "The figures.", StorageFigures),),
)

USERS = Operation(
    "listUsers",
    "All accounts",
    Tag.ADMIN,
    (Reply(200, "One page. One beyond the last is empty.", MemberList),),
    query=UserListQuery,
)

DISABLE_USER = Operation(
    "disableUser",
    "Keep an account, but let nobody in",
    Tag.ADMIN,
    (
        Reply(200, "All its sessions have ended, the links in its mails are void.", Account),
        Reply(409, "It is one's own account, or the last admin's.", Detail),
    ),
    request=schemas.Empty,
)

ENABLE_USER = Operation(
    "enableUser",
    "Let an account in again, or for the first time without its mail",
    Tag.ADMIN,
    (Reply(200, "It may sign in.", Account),),
    request=schemas.Empty,
)

CANCEL = Operation(
    "cancelEncoding",
    "Stop the encoding of a video, or take it out of the queue",
    Tag.ADMIN,
    (
        Reply(200, "Its worker gives up within seconds.", VideoRecord),
        Reply(409, "The video neither waits nor is being encoded.", Detail),
    ),
    description="The video is `failed`, and not tried again by itself. Where an earlier encode is "
    "published, it is `ready` again with that one.",
    request=schemas.Empty,
)

RETRY = Operation(
    "retryVideo",
    "Give a failed video all its attempts again",
    Tag.ADMIN,
    (
        Reply(200, "It waits to be encoded.", VideoRecord),
        Reply(409, "It has not failed, or its film is no longer kept.", Detail),
    ),
    request=schemas.Empty,
)

ENCODE_AGAIN = Operation(
    "encodeVideoAgain",
    "Have a video encoded anew",
    Tag.ADMIN,
    (
        Reply(200, "It waits to be encoded.", VideoRecord),
        Reply(409, "It waits or is being encoded already, or its film is not kept.", Detail),
    ),
    description="What is published plays on until the new encode takes its place, and a minute "
    "longer for who is watching it.",
    request=schemas.Empty,
)

RETRY_MANY = Operation(
    "retryVideos",
    "Give many failed videos, or all, their attempts again",
    Tag.ADMIN,
    (Reply(200, "Which of them wait now, and which do not and why.", RetriedMany),),
    request=schemas.RetryMany,
)

EVENTS = Operation(
    "watchVideos",
    "How videos are getting on, as it happens (server-sent events)",
    Tag.ADMIN,
    (Reply(200, "Events, until the session ends.", EventStream, EVENT_TYPE),),
    description="`start` (`is_resumed`: whether what has changed since `Last-Event-ID` follows), "
    "then `video` with the record of each unfinished video, and of each that changes from then on; "
    "`deleted` (`id`) for each that is deleted.",
)

VIDEO_RECORD = Operation(
    "getVideoRecord",
    "A video with its processing status",
    Tag.ADMIN,
    (Reply(200, "The record.", VideoRecord),),
)
