"""``payport simulate``: a partner's side on this machine, with the settings to use it."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from payport.sdk.cli.configured import write_settings
from payport.sdk.cli.partners import Simulator
from payport.sdk.cli.stopping import stopped_by_signals
from payport.sdk.errors import ConfigurationError
from payport.sdk.host_clock import SystemClock

LOOK_S = 0.2


def serve_until_stopped(console: Console, simulator: Simulator, folder: Path, *, port: int) -> None:
    """Serve, write settings into ``folder``, show each request as it arrives; ends with Ctrl-C or SIGTERM.

    Raises :class:`payport.sdk.ConfigurationError` when the settings cannot be written, or the port is taken.
    """
    with console.status("making keys"):
        try:
            simulator.serve(port=port)
        except OSError as error:
            raise ConfigurationError(
                f"cannot listen on 127.0.0.1:{port}: {error.strerror}; choose another --port"
            ) from error
    try:
        config = write_settings(folder, simulator.settings_files())
        console.print(f"Serving on {simulator.url} (TLS). What waits to be paid: {simulator.url}/", soft_wrap=True)
        console.print(f"The settings, and a journal beside them: {config}\n", soft_wrap=True, highlight=False)
        console.print(config.read_text("utf-8"), highlight=False, markup=False, soft_wrap=True)
        console.print(f"In another terminal: payport doctor --config {config}", soft_wrap=True, highlight=False)
        console.print("Ctrl-C stops.")
        with stopped_by_signals():
            _watch(console, simulator)
    except KeyboardInterrupt:
        console.print("Stopped.")
    finally:
        simulator.close()


def _watch(console: Console, simulator: Simulator) -> None:
    clock = SystemClock()
    shown = 0
    with console.status("waiting for requests"):
        while True:
            requests = simulator.requests
            for request in requests[shown:]:
                # the query may hold keys, and the body is the merchant's: neither is shown
                line = f"{clock.moment().utc:%H:%M:%S} {request.method} {request.path} {len(request.body)} bytes"
                console.print(line, highlight=False, markup=False)
            shown = len(requests)
            clock.sleep(LOOK_S)
