"""Sweep temperature and voltage on the simulated bench, then look for the law that the mobility follows."""

from pathlib import Path

import qdlab
from analysis.constants import electronvolt
from qdlab.campaign import open_campaign_session, run_campaign, simulated_devices
from qdlab.config import load_plan
from qdlab.simulators import open_simulated_bench

plan = load_plan(Path(__file__).parent / "plan-tq1-like.toml")
bench = open_simulated_bench(seed=1, devices=simulated_devices(plan))
campaign = run_campaign(plan, bench, open_campaign_session(Path("qdlab-sessions"), plan, bench))
print(f"{campaign.end}: {campaign.session}")

curves = qdlab.open_session(campaign.session).jv_curves()
print(curves)

(layer,) = curves.analyse(with_disorder=False).layers
print("\nT (K)   field-dependent law (Murgatroyd)")
for kelvin, mobility in zip(layer.murgatroyd.temperature, layer.murgatroyd.zero_field_mobility, strict=True):
    print(f"{kelvin:.1f}   {mobility} m²/Vs  {mobility.verdict.word}")
width = layer.murgatroyd.disorder_width
print(f"\n1/T² law: disorder width {width.scaled(1000 / electronvolt)} meV, {width.verdict}")

curves.figure().savefig("temperature-campaign.svg")
