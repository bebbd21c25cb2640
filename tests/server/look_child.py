"""A jobs child that answers what the file ``answer.json`` of its folder says, and writes down what it was asked."""

import json
import sys
from pathlib import Path

root = Path(sys.argv[1])
for line in sys.stdin:
    asked = json.loads(line)
    with (root / "asked").open("a", encoding="utf-8") as file:
        file.write(asked["verb"] + "\n")
    with (root / "requests").open("a", encoding="utf-8") as file:
        file.write(json.dumps(asked["request"]) + "\n")
    answer = json.loads((root / "answer.json").read_text(encoding="utf-8"))
    sys.stdout.write(json.dumps({"id": asked["id"], **answer}) + "\n")
    sys.stdout.flush()
