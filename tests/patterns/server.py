"""A server that answers every request after a few milliseconds, and customers of the client.

server.py PORT [CUSTOMERS_ADDRESS PORT RATE [SURGE_FROM SURGE_TO SURGE_RATE]] says `ready` once it listens.
Customers come at random, so many a second, and leave after 20 s. PATTERN_SEED is what chance comes from.
"""

import http.client
import os
import random
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        time.sleep(random.uniform(0.002, 0.006))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_):
        """Connections are reset here, which nobody needs to read about."""


def customer(address, port):
    try:
        connection = http.client.HTTPConnection(address, port, timeout=20)
        connection.request("GET", f"/page/{random.randrange(10**9)}")
        connection.getresponse().read()
        connection.close()
    except OSError:
        pass


def customers(address, port, rate, surge):
    began = time.monotonic()
    while True:
        now = time.monotonic() - began
        current = surge[2] if surge and surge[0] <= now < surge[1] else rate
        time.sleep(random.expovariate(current))
        threading.Thread(target=customer, args=(address, port), daemon=True).start()


def main():
    random.seed(os.environ.get("PATTERN_SEED"))
    server = Server(("", int(sys.argv[1])), Handler)
    print("ready", flush=True)
    if len(sys.argv) > 4:
        surge = [float(word) for word in sys.argv[5:8]]
        address, port, rate = sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
        threading.Thread(target=customers, args=(address, port, rate, surge), daemon=True).start()
    server.serve_forever()


main()
