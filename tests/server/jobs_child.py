"""A child that speaks the protocol of ``volant.wiring.worker`` and misbehaves when asked to."""

import json
import os
import signal
import sys
import time
from pathlib import Path

for line in sys.stdin:
    message = json.loads(line)
    verb, number = message["verb"], message["id"]

    def send(number=number, **body):
        sys.stdout.write(json.dumps({"id": number, **body}) + "\n")
        sys.stdout.flush()

    if verb == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif verb == "raise":
        send(error={"code": "conflict", "what": "Somebody else did it.", "details": []})
    elif verb == "sleep":
        time.sleep(message["request"]["seconds"])
        send(result={})
    elif verb == "rubbish":
        sys.stdout.write("not JSON\n")
        sys.stdout.flush()
    elif verb == "seal":
        Path(sys.argv[1], "sealed").touch()
        send(result={"sealed": 0})
    elif verb == "watch":
        with Path(sys.argv[1], "watched").open("a", encoding="utf-8") as file:
            file.write("once\n")
        send(result={"new_rows": 1})
    else:
        send(progress={"text": "half", "share": 0.5})
        send(result={"pid": os.getpid(), "large": "x" * message["request"].get("size", 0)})
