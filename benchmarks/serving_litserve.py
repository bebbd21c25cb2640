"""The LitServe side of ``serving.py``; a module of its own because LitServe's processes import it again."""

import litserve
import numpy as np

from serving import FEATURES, fitted


class Api(litserve.LitAPI):
    kind = "linear"

    def setup(self, device):  # noqa: ARG002
        self.model = fitted(self.kind)

    def decode_request(self, request):
        return np.array([request["inputs"][name] for name in FEATURES]).T

    def predict(self, rows):
        return self.model.predict(rows)

    def encode_response(self, values):
        return {"predictions": values.tolist()}


def run(kind, port):
    """Serve until killed."""
    api = Api(api_path="/invocations")
    api.kind = kind
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(host="127.0.0.1", port=port, num_api_servers=1, log_level="error", generate_client_file=False)
