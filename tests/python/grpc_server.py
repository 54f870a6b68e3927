"""A gRPC server without generated code: requests and answers are bytes."""

import asyncio
import sys

import grpc

STATUS = {code.value[0]: code for code in grpc.StatusCode}


async def wait(request, context):
    await asyncio.sleep(int(request) / 1000)
    return b"waited"


async def fail(request, context):
    await context.abort(STATUS[int(request)], "as asked")


async def serve(address):
    server = grpc.aio.server()
    methods = {
        "Wait": grpc.unary_unary_rpc_method_handler(wait),
        "Fail": grpc.unary_unary_rpc_method_handler(fail),
    }
    handler = grpc.method_handlers_generic_handler("lab.Lab", methods)
    server.add_generic_rpc_handlers((handler,))
    if not server.add_insecure_port(address):
        sys.exit(f"can't listen on {address}")
    await server.start()
    print("serving")
    await server.wait_for_termination()


asyncio.run(serve(sys.argv[1]))
