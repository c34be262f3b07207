"""Stand-ins that answer like the real boxes, on a sample that behaves like a real one.

    doors      adapter (in-process), tcp, serial_pty, prologix; opened by server, with faults behind them
    boxes      keithley2400, keithley6514, mfg2230m, lakeshore336: state and command table on scpi
    terminals  what a box sees of the rest (terminals, waveform); connections answers from the physics
    physics    device_under_test (conduction, emission) on a cryostat; presets, sample_file

`wiring.SimBench` puts them together on one clock. A box knows accuracy, noise and time; the sample knows what
is true.
"""
