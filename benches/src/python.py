"""Stream workloads on asyncio, with the event loop of the module that the first argument names."""

import asyncio
import importlib
import json
import struct
import sys
import time


async def serve(size):
    """Echoes until the process is ended. Prints the port."""

    async def echo(reader, writer):
        try:
            while data := await reader.read(size):
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass  # A client that goes away is the client's business.
        finally:
            writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0, backlog=1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


async def read_lines(port, length, count):
    """Reads `count` lines and returns how many of them had the right length."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(struct.pack("<QQ", count, length))
    right = 0
    async for line in reader:
        right += len(line) == length
    writer.close()
    return right


async def lines(port, length, target, batch):
    """Measures as the other runtimes are measured: a warm-up that finds the number, then the run."""
    count = batch
    while target > 0:
        begin = time.perf_counter()
        await read_lines(port, length, count)
        took = time.perf_counter() - begin
        wanted = int(count * min(target / took, 32))
        count = max(-(-wanted // batch), 1) * batch
        if took >= target / 4:
            break
    cpu, begin = time.process_time_ns(), time.perf_counter_ns()
    right = await read_lines(port, length, count)
    wall, cpu = time.perf_counter_ns() - begin, time.process_time_ns() - cpu
    sample = {"ops": count, "count": right, "wall_ns": wall, "cpu_ns": cpu}
    print(json.dumps(sample), flush=True)


def main():
    module, work, *args = sys.argv[1:]
    if work == "serve":
        work = serve(int(args[0]))
    else:
        port, length, target, batch = args
        work = lines(int(port), int(length), float(target), int(batch))
    importlib.import_module(module).new_event_loop().run_until_complete(work)


main()
