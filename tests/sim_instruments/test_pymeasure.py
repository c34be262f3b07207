"""PyMeasure's own drivers and its own hardware tests, unchanged, against the simulated boxes.

Where PyMeasure and the manual disagree:

* `Keithley2400.current` and its sisters send MEASure?, which resets the compliance and switches the output
  on. That is the manual's behaviour (p. 301), and the tests here expect it.
* `Keithley2400Legacy.trigger_on_bus` sends ``TRIG:SOUR BUS``; the trigger layer has no such source (-141).
* `Keithley2400Legacy.RvsI` uses an attribute `connection` that the driver lacks; the test gives it one.
* The hardware test expects ``SOUR:DEL?`` 0.001 after ``*RST``, the manual says 0; a real one was read so.
"""

import os
import subprocess
import sys
import tarfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from pymeasure import __version__ as pymeasure_version
from pymeasure.adapters import PrologixAdapter
from pymeasure.instruments.keithley import Keithley2400
from pymeasure.instruments.keithley.keithley2400_legacy import Keithley2400Legacy

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning")  # the legacy driver announces its age

DOORS = ["tcp", pytest.param("serial", marks=pytest.mark.skipif(os.name != "posix", reason="needs a pty"))]


def connect(driver, served, door):
    return driver(
        served.resource["keithley2400", door],
        visa_library="@py",
        read_termination="\n",
        write_termination="\n",
    )


@pytest.fixture(params=DOORS)
def smu(served, request):
    instrument = connect(Keithley2400, served, request.param)
    yield instrument
    assert instrument.check_errors() == []
    instrument.adapter.close()


@pytest.fixture(params=DOORS)
def legacy(served, request):
    instrument = connect(Keithley2400Legacy, served, request.param)
    instrument.reset()
    yield instrument
    assert instrument.check_errors() == []
    instrument.adapter.close()


def test_a_curve_is_measured_with_everything_at_once(smu):
    smu.reset()
    smu.compliance_current = 1e-3
    smu.source_enabled = True
    for volts in (0.5, 1.0, 2.0):
        smu.source_voltage = volts
        point = smu.measure_all()
        assert point["voltage"] == pytest.approx(volts, rel=2e-3)
        assert point["current"] == pytest.approx(volts / 10e3, rel=5e-3)
        assert point["resistance"] == pytest.approx(10e3, rel=5e-3)
    smu.source_enabled = False
    assert smu.source_enabled is False


def test_reading_the_current_energises_and_forgets_the_compliance(smu):
    smu.reset()
    smu.compliance_current = 1e-3
    assert abs(smu.current) < 1e-6
    assert smu.source_enabled is True
    assert smu.compliance_current == pytest.approx(1.05e-4)


def test_the_buffer_is_filled_polled_and_averaged(smu):
    smu.reset()
    smu.source_voltage = 1.0
    smu.write(":SENSE:FUNCTION:CONCURRENT ON;:SENSE:FUNCTION 'VOLT','CURR'")
    smu.config_buffer(points=10, delay=0.01)
    smu.source_enabled = True
    smu.start_buffer()
    smu.wait_for_buffer(interval=0)
    data = smu.buffer_data.reshape(10, 5)
    assert data[:, 0] == pytest.approx(np.ones(10), rel=2e-3)
    assert smu.mean_voltage == pytest.approx(data[:, 0].mean(), rel=1e-6)
    assert smu.std_current == pytest.approx(data[:, 1].std(ddof=1), rel=0.05, abs=1e-11)
    smu.disable_buffer()


def test_triggers_over_the_bus(smu):
    smu.reset()
    smu.source_enabled = True
    smu.trigger_on_bus()
    smu.start_buffer()
    smu.trigger()
    assert len(smu.values(":FETCH?")) == 5
    smu.sample_continuously()


def test_shutting_down_ends_with_the_output_off(smu, served):
    smu.reset()
    smu.source_voltage = 1.0
    smu.source_enabled = True
    smu.ramp_to_voltage(0.2, steps=4, pause=0)
    smu.shutdown()
    assert smu.source_enabled is False and smu.source_voltage == 0


def test_the_driver_works_through_pymeasures_own_prologix_adapter(served):
    resource = served.resource["prologix", "tcp"].replace("PRLGX-TCPIP0", "TCPIP").replace("INTFC", "SOCKET")
    adapter = PrologixAdapter(resource, address=24, visa_library="@py", read_termination="\n")
    smu = Keithley2400(adapter)
    smu.reset()
    smu.source_voltage = 1.0
    smu.source_enabled = True
    assert smu.measure_all()["voltage"] == pytest.approx(1.0, rel=2e-3)
    smu.source_enabled = False
    assert smu.check_errors() == []
    adapter.close()


def test_the_legacy_driver_reads_what_the_elements_say(legacy):
    legacy.write(":FORM:ELEM CURR")
    legacy.apply_voltage(compliance_current=1e-3)
    legacy.source_voltage = 2.0
    legacy.measure_current(nplc=0.1, auto_range=True)
    legacy.enable_source()
    assert legacy.current == pytest.approx(2e-4, rel=5e-3)
    legacy.disable_source()


def test_the_legacy_driver_sources_current_and_measures_ohms(legacy):
    legacy.apply_current(compliance_voltage=5.0)
    legacy.source_current = 1e-4
    legacy.measure_voltage(nplc=1, voltage=5.0)
    legacy.enable_source()
    legacy.write(":FORM:ELEM VOLT")
    assert legacy.voltage == pytest.approx(1.0, rel=5e-3)
    legacy.write(":FORM:ELEM RES")
    legacy.measure_resistance()
    assert legacy.resistance == pytest.approx(10e3, rel=5e-3)
    legacy.disable_source()


def test_the_legacy_driver_sweeps_in_hardware(legacy):
    legacy.apply_current(compliance_voltage=5.0)
    legacy.measure_voltage()
    legacy.write(":FORM:ELEM VOLT")
    legacy.connection = SimpleNamespace()
    points = np.array(list(legacy.RvsI(1e-5, 5e-5, 1e-5, compliance=5.0)))
    assert points[:, 0] == pytest.approx([1e-5, 2e-5, 3e-5, 4e-5, 5e-5])
    assert points[:, 1] == pytest.approx(points[:, 0] * 10e3, rel=2e-2)
    legacy.disable_source()


def test_the_legacy_driver_uses_the_small_things(legacy):
    legacy.beep(440, 0.1)
    legacy.wires = 4
    legacy.auto_zero = "ONCE"
    legacy.output_off_state = "HIMP"
    legacy.use_rear_terminals()
    legacy.set_trigger_counts(2, 5)
    legacy.set_timed_arm(0.5)
    legacy.trigger_on_external(2)
    legacy.output_trigger_on_external(3)
    legacy.display_enabled = False
    assert (legacy.wires, legacy.output_off_state, legacy.auto_zero) == (4, "HIMP", False)
    assert legacy.status().startswith("0,")


@pytest.fixture(scope="session")
def pymeasure_sources(tmp_path_factory) -> Path:
    """PyMeasure's source distribution, as the package index has it for the version installed."""
    folder = tmp_path_factory.mktemp("pymeasure")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", "pymeasure"]
    command += ["--dest", str(folder), f"pymeasure=={pymeasure_version}"]
    try:
        failed = subprocess.run(command, capture_output=True, timeout=60, check=False).returncode
    except (OSError, subprocess.TimeoutExpired) as error:
        pytest.skip(f"PyMeasure's sources cannot be had here: {error}")
    archives = list(folder.glob("*.tar.gz"))
    if failed or not archives:
        pytest.skip("PyMeasure's sources cannot be had here: the package index does not give them")
    with tarfile.open(archives[0]) as archive:
        archive.extractall(folder, filter="data")
    return next(path for path in folder.iterdir() if path.is_dir())


@pytest.mark.skipif(os.name != "posix", reason="the hardware tests need a serial port")
@pytest.mark.parametrize(
    ("box", "modules"),
    [
        ("keithley2400", ["keithley/test_keithley2400_with_device.py", "test_scpi_mixin_with_device.py"]),
        ("keithley6514", ["test_scpi_mixin_with_device.py"]),
    ],
)
def test_pymeasures_hardware_tests_pass(served, pymeasure_sources, box, modules):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore"]
    command += [f"--device-address={served.resource[box, 'serial']}"]
    command += [f"tests/instruments/{module}" for module in modules]
    environment = {**os.environ, "PYVISA_LIBRARY": "@py"}
    result = subprocess.run(
        command,
        cwd=pymeasure_sources,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-3000:]
    assert "skipped" not in result.stdout.splitlines()[-1]
