"""An agent's tool under `@mcp.tool`: memoise below it, next to the function.

Which tools are memoised is a choice: those that look something up, not those that do something.
Errors are not kept, so that the agent may try again.
"""

from __future__ import annotations

import asyncio

from mcp import Client
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from outlive import Cache

mcp = MCPServer("prices")
cache = Cache("tools.json", ttl="1d")
asked: list[str] = []


@mcp.tool()
@cache.memoise
def price(item: str) -> int:
    """Look up the price of an item."""
    asked.append(item)
    if item == "gold":
        raise ToolError("not today")
    return len(item)


async def main() -> None:
    """Call the tool as an agent does."""
    async with Client(mcp) as agent:
        for item in ("tea", "tea", "gold", "gold"):
            found = await agent.call_tool("price", {"item": item})
            print(item, found.structured_content, found.is_error)
    print(asked)


if __name__ == "__main__":
    asyncio.run(main())
