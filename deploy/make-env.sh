#!/bin/sh
# Prints .env.template with secrets made just now:
#
#   sh deploy/make-env.sh https://videos.example me@example.com > .env
#
# Mails are still to be filled in. The password of the first account is among what it prints.
set -eu

if [ "$#" -ne 2 ]; then
    echo "usage: sh $0 URL ADMIN_EMAIL > .env" >&2
    exit 2
fi
case "$1" in
https://?*) ;;
*)
    echo "$0: the URL has to begin with https://" >&2
    exit 2
    ;;
esac
case "$1$2" in
*[!A-Za-z0-9:/.@_+-]*)
    echo "$0: neither URL nor address may have such characters" >&2
    exit 2
    ;;
esac

umask 077
template=$(dirname "$0")/../.env.template
url=${1%/}
while IFS= read -r line; do
    name=${line%%=*}
    case "$name" in
    VIDEOFLIX_SERVER__BASE_URL | VIDEOFLIX_SERVER__FRONTEND_URL) line=$name=$url ;;
    ADMIN_EMAIL) line=$name=$2 ;;
    ADMIN_PASSWORD) line=$name=$(openssl rand -hex 12) ;;
    VIDEOFLIX_AUTH__SECRET_KEY | MONGO_ROOT_PASSWORD | MONGO_PASSWORD | MONGO_KEY | REDIS_PASSWORD)
        line=$name=$(openssl rand -hex 32)
        ;;
    esac
    printf '%s\n' "$line"
done <"$template"
