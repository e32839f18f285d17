"""The routes of admins, for the one table of routes (``handlers.routes``)."""

from handlers import admin_operations, tus_operations
from handlers.access import ADMIN, PART, Route
from handlers.admin import VideosHandler
from handlers.events import EventsHandler
from handlers.storage import StorageHandler
from handlers.thumbnails import VideoThumbnailHandler
from handlers.tus import UploadHandler, UploadsHandler
from handlers.users import UserDisableHandler, UserEnableHandler, UsersHandler
from handlers.videos import (
    CategoriesHandler,
    VideoCancelHandler,
    VideoEncodeAgainHandler,
    VideoRecordHandler,
    VideoRetryHandler,
    VideosRetryHandler,
)

ADMIN_ROUTES = (
    Route(
        r"/api/admin/videos/?",
        VideosHandler,
        {"GET": ADMIN, "POST": ADMIN},
        {"GET": admin_operations.VIDEO_LIST, "POST": admin_operations.UPLOAD},
    ),
    Route(
        r"/api/admin/videos/retry/?",
        VideosRetryHandler,
        {"POST": ADMIN},
        {"POST": admin_operations.RETRY_MANY},
    ),
    Route(
        rf"/api/admin/videos/{PART}/?",
        VideoRecordHandler,
        {"GET": ADMIN, "PATCH": ADMIN, "DELETE": ADMIN},
        {
            "GET": admin_operations.VIDEO_RECORD,
            "PATCH": admin_operations.EDIT,
            "DELETE": admin_operations.DELETE,
        },
    ),
    Route(
        rf"/api/admin/videos/{PART}/thumbnail/?",
        VideoThumbnailHandler,
        {"PUT": ADMIN, "DELETE": ADMIN},
        {"PUT": admin_operations.PUT_THUMBNAIL, "DELETE": admin_operations.DELETE_THUMBNAIL},
    ),
    Route(
        rf"/api/admin/videos/{PART}/cancel/?",
        VideoCancelHandler,
        {"POST": ADMIN},
        {"POST": admin_operations.CANCEL},
    ),
    Route(
        rf"/api/admin/videos/{PART}/retry/?",
        VideoRetryHandler,
        {"POST": ADMIN},
        {"POST": admin_operations.RETRY},
    ),
    Route(
        rf"/api/admin/videos/{PART}/reencode/?",
        VideoEncodeAgainHandler,
        {"POST": ADMIN},
        {"POST": admin_operations.ENCODE_AGAIN},
    ),
    Route(
        r"/api/admin/categories/?",
        CategoriesHandler,
        {"GET": ADMIN},
        {"GET": admin_operations.CATEGORIES},
    ),
    Route(
        r"/api/admin/storage/?", StorageHandler, {"GET": ADMIN}, {"GET": admin_operations.STORAGE}
    ),
    Route(r"/api/admin/users/?", UsersHandler, {"GET": ADMIN}, {"GET": admin_operations.USERS}),
    Route(
        rf"/api/admin/users/{PART}/disable/?",
        UserDisableHandler,
        {"POST": ADMIN},
        {"POST": admin_operations.DISABLE_USER},
    ),
    Route(
        rf"/api/admin/users/{PART}/enable/?",
        UserEnableHandler,
        {"POST": ADMIN},
        {"POST": admin_operations.ENABLE_USER},
    ),
    Route(
        r"/api/admin/uploads/?", UploadsHandler, {"POST": ADMIN}, {"POST": tus_operations.CREATE}
    ),
    Route(
        rf"/api/admin/uploads/{PART}/?",
        UploadHandler,
        {"HEAD": ADMIN, "PATCH": ADMIN, "DELETE": ADMIN, "POST": ADMIN},
        {
            "HEAD": tus_operations.PROGRESS,
            "PATCH": tus_operations.APPEND,
            "DELETE": tus_operations.FORGET,
            "POST": tus_operations.OVERRIDE,
        },
    ),
    Route(r"/api/admin/events/?", EventsHandler, {"GET": ADMIN}, {"GET": admin_operations.EVENTS}),
)
