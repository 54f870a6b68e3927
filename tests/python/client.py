"""Calls a server by the library that people use for it, when it is told to on standard input.

client.py PROTOCOL ADDRESS PORT CONNECTIONS says `ready` once it is connected, and answers each line
with a list of microseconds, one for each call:

    call TIMES MS     one after the other, the server taking so many milliseconds
    fail TIMES        in a way that the server calls an error
    together MS ...   all at once on the first connection
    quit              closes what is open
"""

import json
import sys
import threading
from time import perf_counter_ns


class Http1:
    def __init__(self, address, port):
        import http.client

        self.connection = http.client.HTTPConnection(address, port)
        self.connection.connect()

    def call(self, ms):
        assert self.get("/slow" if ms else "/") == 200

    def fail(self):
        assert self.get("/failing") == 503

    def get(self, path):
        self.connection.request("GET", path)
        response = self.connection.getresponse()
        response.read()
        return response.status

    def close(self):
        self.connection.close()


class Redis:
    def __init__(self, address, port):
        import redis

        self.redis = redis
        self.connection = redis.Redis(address, port, single_connection_client=True)
        self.connection.ping()

    def call(self, ms):
        if ms:
            self.connection.execute_command("DEBUG", "SLEEP", ms / 1000)
        else:
            self.connection.execute_command("SET", "word", "text")

    def fail(self):
        try:
            self.connection.execute_command("LPUSH", "word", "element")
        except self.redis.ResponseError:
            return
        raise AssertionError("it went well")

    def close(self):
        self.connection.close()


class Postgres:
    def __init__(self, address, port):
        import psycopg

        self.error = psycopg.Error
        self.connection = psycopg.connect(
            f"host={address} port={port} user=postgres dbname=postgres sslmode=disable gssencmode=disable",
            autocommit=True,
            prepare_threshold=None,
        )

    def call(self, ms):
        self.connection.execute(f"select pg_sleep({ms / 1000})" if ms else "select 1").fetchall()

    def fail(self):
        try:
            self.connection.execute("select 1 / 0")
        except self.error:
            return
        raise AssertionError("it went well")

    def close(self):
        self.connection.close()


class Mysql:
    def __init__(self, address, port):
        import pymysql

        self.error = pymysql.Error
        self.connection = pymysql.connect(
            host=address, port=port, user="root", autocommit=True, ssl_disabled=True
        )

    def call(self, ms):
        self.execute(f"select sleep({ms / 1000})" if ms else "select 1")

    def fail(self):
        try:
            self.execute("select * from nowhere.nothing")
        except self.error:
            return
        raise AssertionError("it went well")

    def execute(self, statement):
        with self.connection.cursor() as cursor:
            cursor.execute(statement)
            cursor.fetchall()

    def close(self):
        self.connection.close()


class Grpc:
    def __init__(self, address, port):
        import grpc

        self.grpc = grpc
        # Else all channels to one address share a connection.
        options = (("grpc.use_local_subchannel_pool", 1),)
        self.channel = grpc.insecure_channel(f"{address}:{port}", options=options)
        grpc.channel_ready_future(self.channel).result()
        self.wait = self.channel.unary_unary("/lab.Lab/Wait")
        self.failing = self.channel.unary_unary("/lab.Lab/Fail")

    def call(self, ms):
        self.wait(str(ms).encode())

    def fail(self):
        try:
            self.failing(b"14")
        except self.grpc.RpcError as error:
            assert error.code() == self.grpc.StatusCode.UNAVAILABLE, error
            return
        raise AssertionError("it went well")

    def together(self, delays):
        waited = [0] * len(delays)
        left = threading.Semaphore(0)

        def ended(place, began):
            waited[place] = (perf_counter_ns() - began) // 1000
            left.release()

        calls = []
        for place, ms in enumerate(delays):
            began = perf_counter_ns()
            call = self.wait.future(str(ms).encode())
            call.add_done_callback(lambda _, place=place, began=began: ended(place, began))
            calls.append(call)
        for call in calls:
            call.result()
            left.acquire()
        return waited

    def close(self):
        self.channel.close()


PROTOCOLS = {"http1": Http1, "redis": Redis, "postgres": Postgres, "mysql": Mysql, "grpc": Grpc}


def timed(act, *arguments):
    began = perf_counter_ns()
    act(*arguments)
    return (perf_counter_ns() - began) // 1000


def main(protocol, address, port, connections):
    pool = [PROTOCOLS[protocol](address, int(port)) for _ in range(int(connections))]
    print("ready")
    for line in sys.stdin:
        word, *numbers = line.split()
        numbers = [int(number) for number in numbers]
        if word == "call":
            times, ms = numbers
            waited = [timed(pool[n % len(pool)].call, ms) for n in range(times)]
        elif word == "fail":
            waited = [timed(pool[n % len(pool)].fail) for n in range(numbers[0])]
        elif word == "together":
            waited = pool[0].together(numbers)
        else:
            for connection in pool:
                connection.close()
            print("[]")
            return
        print(json.dumps(waited))


main(*sys.argv[1:])
