"""The class in one container: `jupyterhub_config.py`, accounts that are made when somebody comes, a password of everybody's own."""

import os
from pathlib import Path

from firstuseauthenticator import FirstUseAuthenticator
from jupyterhub.auth import LocalAuthenticator

c = get_config()  # noqa: F821  (JupyterHub gives it)
HERE = Path(__file__).resolve().parent
STATE = os.environ.get("CLASS_STATE", "/var/lib/jupyterhub")  # a volume: who is known, and their passwords

load_subconfig(str(HERE / "jupyterhub_config.py"))  # noqa: F821


class ClassAuthenticator(FirstUseAuthenticator, LocalAuthenticator):
    """What somebody types the first time is their password from then on, and the system gets to know them."""


c.JupyterHub.bind_url = os.environ.get("CLASS_ADDRESS", "http://0.0.0.0:8000")
c.JupyterHub.db_url = f"sqlite:///{STATE}/hub.sqlite"
c.JupyterHub.cookie_secret_file = f"{STATE}/cookie_secret"
c.ConfigurableHTTPProxy.pid_file = f"{STATE}/proxy.pid"
c.JupyterHub.authenticator_class = ClassAuthenticator
c.FirstUseAuthenticator.dbm_path = f"{STATE}/passwords.dbm"
c.FirstUseAuthenticator.create_users = True
c.LocalAuthenticator.create_system_users = True
c.LocalAuthenticator.add_user_cmd = [str(HERE / "add_learner")]
# Only names on this list may come; without it everybody may who can reach the server.
names = os.environ.get("CLASS_NAMES", "").split()
if names:
    c.Authenticator.allowed_users = set(names)
else:
    c.Authenticator.allow_all = True
c.Authenticator.admin_users = set(os.environ.get("CLASS_ADMINS", "").split())
