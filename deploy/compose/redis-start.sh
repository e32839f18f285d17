#!/bin/sh
# Starts Redis with its password, which stands on no command line: it reads its settings from stdin.
# Nothing is lost with what it holds; it is written to the disk so that counters of tries outlive a
# restart. When its memory is full, the shortest-lived keys go first.
set -eu
exec redis-server - <<EOF
requirepass $REDISCLI_AUTH
dir $REDIS_FOLDER
port ${REDIS_PORT:-6379}
save 300 1
maxmemory 256mb
maxmemory-policy volatile-ttl
EOF
