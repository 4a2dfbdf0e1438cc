"""`python -m dagster_project.dev`: Dagster's UI for one company on this machine only.

Runs, schedules and logs are kept in the company's data folder, with the settings of deploy/dagster.yaml. Nothing is sent
anywhere. The port is CLIENTELA_PORT, else 3000. Whoever starts `dagster dev` by hand instead has the same settings in the
checkout (`dagster.yaml`), and telemetry off everywhere (`clientela_telemetry_off.pth`).
"""

import argparse
import os
import shutil
import socket
import sys
from pathlib import Path

from clientela.config.company import CONFIG_VARIABLE, Config
from clientela.errors import ClientelaError, ConfigError
from clientela.extras import require_extra
from clientela.file_modes import PRIVATE_UMASK, make_data_folder
from clientela.project_files import PROJECT
from dagster_project.company import chosen_company

HOST = "127.0.0.1"
PORT_VARIABLE = "CLIENTELA_PORT"
DEFAULT_PORT = "3000"


def dagster_home(config: Config) -> Path:
    """The company's DAGSTER_HOME, with the settings of deploy/dagster.yaml as they are now."""
    home = config.data / "dagster"
    make_data_folder(config.data)
    make_data_folder(home)
    shutil.copyfile(PROJECT / "deploy" / "dagster.yaml", home / "dagster.yaml")
    return home


def free_port() -> int:
    """The port to listen on. Raises ConfigError if it is no port or taken."""
    named = os.environ.get(PORT_VARIABLE) or DEFAULT_PORT
    if not named.isdigit() or not 1024 <= int(named) <= 65535:
        raise ConfigError(f"{PORT_VARIABLE} = {named!r}: a port is a number from 1024 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, int(named)))
        except OSError:
            raise ConfigError(f"Port {named} is taken; name a free one, such as {PORT_VARIABLE}=3001.") from None
    return int(named)


def command(port: int) -> list[str]:
    """The command line of the server: web and daemon, on loopback."""
    return [
        *(sys.executable, "-m", "dagster", "dev"),
        *("--module-name", "dagster_project.definitions"),
        *("--working-directory", str(PROJECT)),
        *("--host", HOST, "--port", str(port)),
        *("--log-level", "warning"),
    ]


def main() -> None:
    """Check the configuration, say where the UI is, and become the server."""
    argparse.ArgumentParser(
        "python -m dagster_project.dev",
        description=f"Dagster's UI for one company, on {HOST} alone; Ctrl-C ends it.",
        epilog=f"{CONFIG_VARIABLE} names the company's clientela.yml, {PORT_VARIABLE} the port ({DEFAULT_PORT}).",
    ).parse_args()
    try:
        require_extra("dagster", "Dagster's UI", "dagster", "dagster_dbt", "dagster_webserver")
        config = chosen_company()
        port = free_port()
    except ClientelaError as error:
        print(f"Error: {error.sentence}", file=sys.stderr)
        sys.exit(error.exit_code)
    settings = {
        "DAGSTER_HOME": str(dagster_home(config)),
        "DAGSTER_DISABLE_TELEMETRY": "1",
        "DO_NOT_TRACK": "1",
        CONFIG_VARIABLE: str(config.path),
    }
    # in its own folder: Dagster would warn of the settings that are in the checkout for whoever starts it by hand
    os.chdir(settings["DAGSTER_HOME"])
    print(f"{config.company}: http://{HOST}:{port}  (ready in some seconds; Ctrl-C ends it)", flush=True)
    os.umask(PRIVATE_UMASK)
    os.execve(sys.executable, command(port), {**os.environ, **settings})


if __name__ == "__main__":
    main()
