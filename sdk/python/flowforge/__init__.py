"""The FlowForge task SDK: what code inside a task tells the engine.

    from flowforge import client

    client.log("Starting task")
    client.status("RUNNING", progress=10)
    client.output("result", {"status": "ok"})

Importing it opens nothing and starts nothing; the first call does. Outside FlowForge
every call prints what it would have sent, so the same code runs anywhere.
"""

from . import client

__version__ = "0.1.0"
__all__ = ["__version__", "client"]
