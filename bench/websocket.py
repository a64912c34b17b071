"""Pages over Streamlit's own websocket, without a browser."""

from __future__ import annotations

import asyncio
import time

from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect
from websockets.typing import Origin, Subprotocol

from bench.report import Wrong

PATIENCE = 60.0  # seconds for one page


async def open_page(address: str, token: str, page: str, *, after: float, holds: str) -> float:
    """Seconds from connecting until the page's script has ended, begun so many seconds from now.

    Raises Wrong when what was sent does not hold this text.
    """
    await asyncio.sleep(after)
    began = time.perf_counter()
    sent: list[str] = []
    async with connect(
        address.replace("http", "ws") + "/_stcore/stream",
        origin=Origin(address),
        additional_headers={"Cookie": f"backlot_session={token}"},
        subprotocols=[Subprotocol("streamlit")],
        max_size=None,
    ) as socket:
        message = BackMsg()
        message.rerun_script.page_name = page
        await socket.send(message.SerializeToString())
        while True:
            received = ForwardMsg()
            answer = await asyncio.wait_for(socket.recv(), PATIENCE)
            received.ParseFromString(answer if isinstance(answer, bytes) else answer.encode())
            if received.WhichOneof("type") == "delta":
                sent.append(received.delta.new_element.bidi_component.json)
            if received.WhichOneof("type") == "script_finished":
                break
        took = time.perf_counter() - began
        if not any(holds in text for text in sent):
            raise Wrong(f"the page {page} came without {holds}")
    return took
