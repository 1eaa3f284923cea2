"""The class's configuration, `deploy/jupyterhub_config.py`, for a test: on 127.0.0.1 alone, without users of the system."""

import os
import sys
from pathlib import Path

c = get_config()  # noqa: F821  (JupyterHub gives it)
load_subconfig(str(Path(__file__).parents[2] / "deploy" / "jupyterhub_config.py"))  # noqa: F821

room, ports = os.environ["CLASS_ROOM"], os.environ["CLASS_PORTS"].split()
c.JupyterHub.bind_url = f"http://127.0.0.1:{ports[0]}"
c.JupyterHub.hub_bind_url = f"http://127.0.0.1:{ports[1]}"
c.ConfigurableHTTPProxy.api_url = f"http://127.0.0.1:{ports[2]}"
proxy = "from configurable_http_proxy.cli import main; main()"  # the one in Python, so that no node is needed
c.ConfigurableHTTPProxy.command = [sys.executable, "-c", proxy]
c.JupyterHub.db_url = f"sqlite:///{room}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{room}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{room}/proxy.pid"
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = f"{room}/home/{{username}}"
c.Spawner.poll_interval = 1  # seconds until a server that was killed is missed
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
