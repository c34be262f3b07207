"""Every column heading once, in PyMeasure's unit grammar; files are SI."""

VOLTAGE = "Voltage (V)"
MEASURED_VOLTAGE = "Measured voltage (V)"
CURRENT = "Current (A)"
CURRENT_DENSITY = "Current density (A/m**2)"
SWEEP_DIRECTION = "Sweep direction (1)"  # +1 away from 0 V, -1 back
STAGE_TEMPERATURE = "Stage temperature (K)"
SAMPLE_TEMPERATURE = "Sample temperature (K)"
TEMPERATURE_SETPOINT = "Temperature setpoint (K)"
HEATER_OUTPUT = "Heater output (1)"

PULSE_AMPLITUDE = "Pulse amplitude (V)"
PULSE_WIDTH = "Pulse width (s)"
PULSE_PERIOD = "Pulse period (s)"
DEVICE_VOLTAGE = "Device voltage (V)"
LIGHT_CURRENT = "Light current (A)"
LIGHT_CURRENT_ERROR = "Light current standard error (A)"  # all of it; these two are in it:
DARK_ERROR = "Dark reading standard error (A)"  # the same error in every point of a series
PICKUP_ERROR = "Pickup standard error (A)"  # the same in every repeat of a width
BACKGROUND_CURRENT = "Background current (A)"
POINT_KIND = "Point kind (1)"  # 0 series, 1 reference pulse, 2 double period, 3 background, 4 pickup
REPEAT = "Repeat (1)"

# of pixel checks and conditioning: other headings, so that nobody takes their rows for a curve
PROBE_VOLTAGE = "Probe voltage (V)"
PROBE_CURRENT = "Probe current (A)"
CONDITIONING_VOLTAGE = "Conditioning voltage (V)"
CONDITIONING_CURRENT = "Conditioning current (A)"
ELAPSED = "Elapsed (s)"

TEMPERATURES = (STAGE_TEMPERATURE, SAMPLE_TEMPERATURE, TEMPERATURE_SETPOINT)
