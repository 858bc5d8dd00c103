"""Where a host lives, from the file that an agent on this machine shares (agent --share): libtenantroutes by ctypes.

    routes = Routes("/run/tenant-registry/routes")
    route = routes.find("acme.kintone.com")     # None: no domain of the registry's

A `Routes` is for any number of threads, and may be used after a fork. A lookup asks nobody.
"""
import ctypes
import typing

FOUND, UNKNOWN, NOT_READY = 1, 2, 3
MODES = ("serve", "read_only", "reject")


class NotReady(Exception):
    """There's nothing to look into yet, or it's being mended: ask again, and don't take the host for unknown."""


class Route(typing.NamedTuple):
    location: str
    upstream: str
    mode: str
    fenced: bool
    revision: int


class _Answer(ctypes.Structure):
    _fields_ = [
        ("revision", ctypes.c_uint64), ("mode", ctypes.c_int32), ("fenced", ctypes.c_int32),
        ("location", ctypes.c_char * 64), ("upstream", ctypes.c_char * 2056),
    ]


class Routes:
    def __init__(self, path: str, library: str = "libtenantroutes.so.1"):
        self._library = ctypes.CDLL(library)
        self._library.tr_find.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.POINTER(_Answer)]
        self._handle = ctypes.c_void_p()
        code = self._library.tr_open(path.encode(), ctypes.byref(self._handle))
        if code != 0:
            raise NotReady(f"{path} can't be opened: {code}")

    def find(self, host: str) -> Route | None:
        answer = _Answer()
        name = host.encode()
        found = self._library.tr_find(self._handle, name, len(name), ctypes.byref(answer))
        if found == NOT_READY:
            raise NotReady(host)
        if found == UNKNOWN:
            return None
        return Route(
            answer.location.decode(), answer.upstream.decode(), MODES[answer.mode], bool(answer.fenced), answer.revision)
