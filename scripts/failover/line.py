"""A way between two servers that can be cut."""
import select
import socket
import threading


class Line:
    """A TCP port in front of another one; while it's cut, what comes is swallowed and nothing is answered."""

    def __init__(self, target, host="127.0.0.1"):
        self.target, self.is_cut = (host, target), False
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            threading.Thread(target=self.carry, args=(near,), daemon=True).start()

    def carry(self, near):
        try:
            far = None if self.is_cut else socket.create_connection(self.target, timeout=5)
        except OSError:
            near.close()
            return
        # One that was begun while it was cut never gets through: what it said is lost.
        is_lost = far is None
        try:
            while True:
                is_lost = is_lost or self.is_cut
                ready, _, _ = select.select([near] if far is None else [near, far], [], [], 0.05)
                if not ready and is_lost and not self.is_cut:
                    return
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    if not is_lost and not self.is_cut:
                        (far if source is near else near).sendall(data)
        except OSError:
            pass
        finally:
            near.close()
            if far:
                far.close()
