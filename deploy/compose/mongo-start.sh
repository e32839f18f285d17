#!/bin/sh
# Starts MongoDB as the one member of a replica set. With a replica set and accounts MongoDB wants
# the key that its members would show each other in a file that only its own account may read.
set -eu
umask 077
printf '%s\n' "$MONGO_KEY" >"${MONGO_FOLDER:-/run/mongo}/key"
# The image's own script makes the account root at the first start.
exec docker-entrypoint.sh mongod --replSet rs0 --keyFile "${MONGO_FOLDER:-/run/mongo}/key" \
    --bind_ip_all --wiredTigerCacheSizeGB 0.5
