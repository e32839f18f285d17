"""The key that signs tokens: configured, or made once and kept in the storage root."""

import secrets

from pydantic import SecretStr

from videoflix.errors import ConfigurationError
from videoflix.private_files import private_folder, read_or_create_private, usable_root
from videoflix.settings import SECRET_MIN, Settings

SECRET_FILE = "secret_key"  # noqa: S105 -- the name of a file, not a secret


def with_secret(settings: Settings) -> Settings:
    """The settings with a key in ``auth.secret_key``.

    Where none is configured (production mode never gets here without one) it is read from
    ``<root>/secret_key``, mode 600, which is made at the first start; processes that start at
    once get the same. Raises ConfigurationError.
    """
    if settings.auth.secret_key.get_secret_value():
        return settings
    root = settings.storage.root
    with usable_root(root):
        path = private_folder(root) / SECRET_FILE
        secret = read_or_create_private(path, secrets.token_urlsafe(48)).strip()
    if len(secret) < SECRET_MIN:
        raise ConfigurationError(f"{path}: too short for a secret; delete it and start again")
    auth = settings.auth.model_copy(update={"secret_key": SecretStr(secret)})
    return settings.model_copy(update={"auth": auth})
