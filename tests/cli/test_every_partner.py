"""What every installed adapter brings for the command line works: its simulator's settings open an adapter."""

from __future__ import annotations

from pathlib import Path

import pytest

from payport.sdk.cli.configured import chosen_accounts, write_settings
from payport.sdk.cli.partners import partners, plays_of, simulator_of
from payport.sdk.settings import Settings, open_adapter


@pytest.mark.parametrize("partner", partners())
def test_the_settings_that_a_simulator_writes_open_its_adapter(partner: str, tmp_path: Path) -> None:
    """As ``payport simulate`` hands them out: nothing in them is refused, and they lead to this simulator."""
    simulator = simulator_of(partner)
    simulator.serve()
    try:
        settings = Settings.load(write_settings(tmp_path / "shop", simulator.settings_files()), {})
        (account,) = chosen_accounts(settings, None)
        adapter = open_adapter(settings, account)
        assert adapter.partner == partner
        assert simulator.url.partition("://")[2] in adapter.profile.hosts
        assert adapter.profile.sandbox
    finally:
        simulator.close()


@pytest.mark.parametrize("partner", partners())
def test_every_partner_brings_a_play(partner: str) -> None:
    """``payport demo`` leaves nobody out."""
    (play,) = plays_of(partner)
    assert play.partner == partner
    assert play.scenes
