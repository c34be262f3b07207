"""Measure a TEL series on the simulated bench and read delay times and transit mobilities from it."""

from pathlib import Path

import qdlab
from analysis.constants import microsecond
from qdlab.campaign import open_campaign_session, run_campaign, simulated_devices
from qdlab.config import load_plan
from qdlab.simulators import open_simulated_bench

plan = load_plan(Path(__file__).parent / "plan-tel.toml")
bench = open_simulated_bench(seed=1, devices=simulated_devices(plan))
recorded = run_campaign(plan, bench, open_campaign_session(Path("qdlab-sessions"), plan, bench)).session

session = qdlab.open_session(recorded)
(device,) = session.devices.values()
pulses = session.tel_series()
print(pulses)

print("\namplitude   delay time      transit mobility")
for series, fit in zip(pulses, pulses.fit_delay_times(), strict=True):
    transit = qdlab.transit_mobility(
        fit.delay_time,
        device.thickness,
        series.device_voltage or series.pulse_amplitude,
        device.built_in_voltage.value,
    )
    delay = fit.delay_time.scaled(1 / microsecond)
    print(f"{series.pulse_amplitude:g} V         {delay} µs   {transit.mobility} m²/Vs  {fit.verdict.word}")

pulses.figure().savefig("tel-series.svg")
