"""Calls a server by a library that people use, as a configuration says.

client.py HOST PORT CONFIGURATION says `ready` once it calls. The configuration is JSON:

    library     requests, urllib3, httpx or plain (http.client)
    timeout     seconds, or [connect, read]
    urllib3     arguments of urllib3.Retry
    tenacity    {wait: {name: arguments}, attempts}: around each call
    retries     of httpx's transport
    again       attempts of a plain loop, and `pause` seconds between them
    breaker     arguments of pybreaker.CircuitBreaker, around all attempts
    bulkhead    calls under way at once; more are refused
    fallback    whether whoever asks is answered well all the same
    alternate   port that is called instead of one that fails
    admits      requests served at once; more get a 503
    workers     who call one after the other, with `every` seconds between the beginnings of calls
                or `rest` seconds after each
    serves      port: calls are made for requests that come in there, instead
    fresh       whether each call has a connection of its own
    stops       after so many seconds, for so many: [7, 6]
    dies        after so many seconds
    idle        connections that urllib3's pool has beside the one in use
    probed      seconds after which the kernel asks on idle connections whether anybody is there, and between
                such questions; after three without an answer it ends the connection

A breaker's changes of state are told as they happen, a line each: the monotonic clock's
nanoseconds, and the state. PATTERN_SEED is what chance comes from.
"""

import json
import os
import random
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Failed(Exception):
    pass


def by_plain(host, config):
    import http.client

    timeout = config.get("timeout")
    local = threading.local()

    def call(port, path):
        connections = local.__dict__.setdefault("connections", {})
        connection = connections.pop(port, None)
        if connection is None:
            connection = http.client.HTTPConnection(host, port, timeout=timeout)
        connection.request("GET", path)
        response = connection.getresponse()
        response.read()
        if config.get("fresh"):
            connection.close()
        else:
            connections[port] = connection
        return response.status

    return call


def by_requests(host, config):
    import requests

    timeout = config.get("timeout")
    timeout = tuple(timeout) if isinstance(timeout, list) else timeout
    local = threading.local()

    def call(port, path):
        if not hasattr(local, "session"):
            local.session = requests.Session()
            if "urllib3" in config:
                retries = requests.adapters.Retry(**config["urllib3"])
                adapter = requests.adapters.HTTPAdapter(max_retries=retries)
                local.session.mount("http://", adapter)
        return local.session.get(f"http://{host}:{port}{path}", timeout=timeout).status_code

    return call


def by_urllib3(host, config):
    import urllib3

    timeout = config.get("timeout")
    if isinstance(timeout, list):
        timeout = urllib3.Timeout(connect=timeout[0], read=timeout[1])
    retries = urllib3.Retry(**config["urllib3"]) if "urllib3" in config else False
    options = urllib3.connection.HTTPConnection.default_socket_options
    pool = urllib3.PoolManager(
        maxsize=32,
        retries=retries,
        timeout=timeout or urllib3.Timeout(),
        socket_options=options + probed(config),
    )

    def call(port, path):
        headers = {"Connection": "close"} if config.get("fresh") else None
        return pool.request("GET", f"http://{host}:{port}{path}", headers=headers).status

    return call


def probed(config):
    if "probed" not in config:
        return []
    numbers = {
        socket.TCP_KEEPIDLE: config["probed"],
        socket.TCP_KEEPINTVL: config["probed"],
        socket.TCP_KEEPCNT: 3,
    }
    own = [(socket.IPPROTO_TCP, name, number) for name, number in numbers.items()]
    return [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)] + own


def by_httpx(host, config):
    import httpx

    transport = httpx.HTTPTransport(retries=config.get("retries", 0))
    if config.get("fresh"):
        limits = httpx.Limits(max_keepalive_connections=0)
        transport = httpx.HTTPTransport(retries=config.get("retries", 0), limits=limits)
    client = httpx.Client(timeout=config.get("timeout"), transport=transport)

    def call(port, path):
        return client.get(f"http://{host}:{port}{path}").status_code

    return call


def tried_again(call, config):
    if "tenacity" in config:
        import tenacity

        (name, arguments), = config["tenacity"]["wait"].items()
        return tenacity.retry(
            wait=getattr(tenacity, name)(**arguments),
            stop=tenacity.stop_after_attempt(config["tenacity"]["attempts"]),
            reraise=True,
        )(call)
    if "again" not in config:
        return call

    def again(*arguments):
        for attempt in range(config["again"]):
            try:
                return call(*arguments)
            except Exception:
                if attempt + 1 == config["again"]:
                    raise
                time.sleep(config.get("pause", 0))

    return again


def with_patterns(library, host, port, config):
    raw = library(host, config)

    def checked(to, path):
        status = raw(to, path)
        if status >= 500 or status == 429:
            raise Failed(status)
        return status

    call = tried_again(checked, config)
    if "breaker" in config:
        import pybreaker

        class Tells(pybreaker.CircuitBreakerListener):
            def state_change(self, cb, old_state, new_state):
                print(time.monotonic_ns(), new_state.name.replace("-", "_"), flush=True)

        call = pybreaker.CircuitBreaker(**config["breaker"], listeners=[Tells()])(call)
    places = threading.Semaphore(config["bulkhead"]) if "bulkhead" in config else None

    def kept_in(path):
        if places is None:
            return call(port, path)
        if not places.acquire(blocking=False):
            raise Failed("full")
        try:
            return call(port, path)
        finally:
            places.release()

    def ask(path):
        try:
            return kept_in(path)
        except Exception:
            if "alternate" in config:
                return checked(config["alternate"], path)
            if config.get("fallback"):
                return 200
            raise

    return ask


def path():
    return f"/item/{random.randrange(10**9)}"


def fill(ask, connections):
    """Has so many calls under way at once that the pool has as many connections."""
    together = threading.Barrier(connections)

    def one():
        together.wait()
        ask(path())

    threads = [threading.Thread(target=one) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def work(ask, config, began):
    every, rest = config.get("every"), config.get("rest", 0.0)
    stops = config.get("stops")
    due = time.monotonic()
    while True:
        age = time.monotonic() - began
        if stops and stops[0] <= age < stops[0] + stops[1]:
            time.sleep(stops[0] + stops[1] - age)
            due = time.monotonic()
        if config.get("dies") and age > config["dies"]:
            os._exit(0)
        try:
            ask(path() if config.get("paths", "each") == "each" else "/same")
        except Exception:
            pass
        if every:
            due = max(due + every, time.monotonic() - every)
            time.sleep(max(0.0, due - time.monotonic()))
        else:
            time.sleep(rest)


def serve(ask, config):
    places = threading.Semaphore(config["admits"]) if "admits" in config else None

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            if places is not None and not places.acquire(blocking=False):
                return self.answer(503)
            try:
                time.sleep(config.get("takes", 0.0))
                status = 200 if ask(path()) < 500 else 502
            except Exception:
                status = 502
            finally:
                if places is not None:
                    places.release()
            self.answer(status)

        def answer(self, status):
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_):
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_):
            pass

    server = Server(("", config["serves"]), Handler)
    print("ready", flush=True)
    server.serve_forever()


def main():
    host, port, config = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3])
    random.seed(os.environ.get("PATTERN_SEED"))
    library = globals()["by_" + config["library"]]
    ask = with_patterns(library, host, port, config)
    began = time.monotonic()
    if "serves" in config:
        return serve(ask, config)
    if "idle" in config:
        fill(ask, 1 + config["idle"])
    print("ready", flush=True)
    for _ in range(config.get("workers", 1)):
        threading.Thread(target=work, args=(ask, config, began), daemon=True).start()
        time.sleep(random.uniform(0.0, 0.05))
    while True:
        time.sleep(1)
        if config.get("dies") and time.monotonic() - began > config["dies"]:
            os._exit(0)


main()
