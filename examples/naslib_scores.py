"""NASLib (branch zerocost): what its optimisers ask of `zc_api`, asked here without NASLib.

Needs a running service (`croze up`), and in a checkout: pip install ./client
"""

from __future__ import annotations

import random

from croze_client import Client
from croze_client.adapters.naslib import CrozeZcApi

chance = random.Random(0)
# In NASLib: str(graph.get_hash()), of every graph of a population.
hashes = [str(tuple(chance.randrange(5) for _ in range(6))) for _ in range(12)]

with Client() as client:
    zc_api = CrozeZcApi(client, "nasbench201", proxies=["croze", "params"])
    zc_api.prefetch(hashes)  # one request; whatever is asked for without it costs one each
    best = max(zc_api, key=lambda name: float(zc_api[name]["croze"]["score"]))
    (cell,) = client.convert([best], to="nb201_str", space="nasbench201", format="naslib_nb201")

print(f"{zc_api[best]['croze']['score']:.4g}  {best}  {cell.converted}")
