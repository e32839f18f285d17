#!/bin/sh
# sh as_container.sh FOLDER COMMAND...: run the command as in a container with a read-only root file
# system: it can write to FOLDER alone, has no capabilities, and gets none. In a mount namespace of
# its own (unshare --mount), which needs root.
set -eu
folder=$1
shift
mount --make-rprivate /
mount --bind "$folder" "$folder"
mount -o remount,bind,ro /
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
