"""What public drivers that are not installed here send, message by message: nothing of it is an error.

Read in the drivers' sources, with numbers put in: QCoDeS 0.58 (Keithley_2400, LakeshoreModel336),
InstrumentKit (keithley6514), qtics 0.0.6, labmcp-keithley-smu 0.1.2, labmcp-lakeshore 0.1.3, keithley2400
0.2.6 (PyPI), NOMAD CAMELS keithley_2400, lightlab 1.1.1, socs 0.6.4, frappy 0.20, ORNL's EPICS lakeshore336,
labchat's and a PyMeasure draft's AFG-2225, the MFG-2000 of an open test bench. Most of them were run against
`qdlab sim`, too.
"""

import pytest

from sim_instruments.wiring import SimBench

SENT = {
    ("keithley2400", "qcodes"): """
        *RST | :SOUR:FUNC VOLT | :SENS:FUNC "CURR" | SENS:CURR:PROT 0.001000 | SENS:CURR:NPLC 0.100000
        | SOUR:VOLT:RANG 20.000000 | :SOUR:VOLT:LEV 2.00000000 | :OUTP:STAT 1 | :TRIG:COUN 1;:FORM:ELEM
        VOLT,CURR | :READ? | :OUTP:STAT? | :SENS:FUNC? | SENS:VOLT:RANG? | SENS:VOLT:PROT? | :OUTP:STAT
        0
    """,
    ("keithley2400", "labmcp"): """
        :SOUR:FUNC VOLT | :SOUR:VOLT:MODE FIX | :SOUR:VOLT:RANG:AUTO ON | :SOUR:VOLT:LEV 1 |
        :SENS:FUNC:CONC ON | :SENS:FUNC "VOLT","CURR" | :SENS:CURR:RANG:AUTO ON | :SENS:CURR:PROT 0.001
        | :SENS:CURR:NPLC 1 | :FORM:ELEM VOLT,CURR,STAT | :ARM:COUN 1 | :TRIG:COUN 1 | :OUTP ON |
        :READ? | :SENS:CURR:PROT:TRIP? | :ROUT:TERM? | :SYST:RSEN? | :SYST:RSEN ON | :OUTP OFF
    """,
    ("keithley2400", "pypi"): """
        *RST | *CLS | SENS:FUNC 'VOLT','CURR' | SENS:VOLT:RANG:AUTO ON | FORM:ELEM VOLT,CURR |
        SOUR:FUNC CURR | SOUR:CURR 1E-4 | SENS:VOLT:PROT 5 | OUTP ON | :READ? | SYST:RSEN ON |
        SENS:FUNC 'RES' | FORM:ELEM RES | OUTP OFF
    """,
    ("keithley2400", "camels"): """
        *RST | :FORM:DATA ASC | :SOUR:FUNC VOLT | :SOUR:VOLT:RANG 20 | CURR:PROT 0.01 | :CURR:RANG
        0.001 | :CONF:CURR | :SOUR:VOLT 1 | :OUTP 1 | :READ? | :CONF?
    """,
    ("keithley2400", "lightlab"): """
        *RST | SENSE:FUNCTION:OFF:ALL | SENSE:FUNCTION:ON "CURR" | SENSE:CURR:RANGE:AUTO ON | RES:MODE
        MAN | SOURCE:FUNC VOLT | SOURCE:VOLT:MODE FIXED | SOURCE:VOLT:RANGE 20 | SOURCE:VOLT 0.5 |
        CURR:PROT 1e-3 | OUTP:STATE ON | MEASURE:CURR? | MEASURE:VOLT? | ROUT:TERM FRON | OUTP:STATE
        OFF
    """,
    ("keithley6514", "instrumentkit"): """
        *RST | FUNCTION? | FUNCTION 'CURR:DC' | TRIGGER:SOURCE IMM | TRIGGER:SOURCE? | ARM:SOURCE TIM |
        ARM:SOURCE? | ARM:SOURCE IMM | SYST:ZCH? | SYST:ZCOR? | CURR:DC:RANG:AUTO 0 | CURR:DC:RANG:UPP
        2E-9 | CURR:DC:RANG:UPP? | CONF:CURR:DC | CONF:CHAR | CONF:VOLT:DC | CONF:RES | READ? | FETC?
    """,
    ("keithley6514", "qtics"): """
        SYST:REM | SENS:FUNC 'CHAR' | SENS:CHAR:RANG:AUTO ON | SYST:ZCH ON | SYST:ZCOR ON | SYST:ZCH
        OFF | FORM:ELEM READ | ARM:COUNT 1 | READ? | SYST:LOC
    """,
    ("mfg2230m", "labchat"): """
        SOURCE1:FUNCTION SINUSOID | SOURCE1:FUNCTION? | SOURCE1:FREQUENCY? MIN | SOURCE1:FREQUENCY? MAX
        | SOURCE1:FREQUENCY 1000.0 | SOURCE1:AMPLITUDE? MIN | SOURCE1:AMPLITUDE? MAX |
        SOURCE1:AMPLITUDE 2.0 | SOURCE1:DCOFFSET? MIN | SOURCE1:DCOFFSET? MAX | SOURCE1:DCOFFSET 0.5 |
        SOURCE1:SQUARE:DCYCLE? MIN | SOURCE1:SQUARE:DCYCLE 30 | SOURCE1:RAMP:SYMMETRY? MAX |
        SOURCE1:RAMP:SYMMETRY 40 | SOURCE1:FUNCTION ARB
    """,
    ("mfg2230m", "pymeasure draft"): """
        *RST | *CLS | *ESE 1 | *SRE 32 | SOURce1:FUNCtion PULS | SOURce1:FREQuency 1.000000e+03 |
        SOURce1:AMPlitude 2.000000 | SOURce1:DCOffset 1.000000 | SOURce1:PHASe 0.000000 | OUTPut1:LOAD
        INF | OUTPut1:LOAD? | OUTPut1 ON | OUTPut1? | *OPC | *STB? | SOURce1:PHASe:SYNChronize |
        SYSTem:REMote | SYSTem:LOCal | SYSTem:ERRor? | OUTPut1 OFF
    """,
    ("mfg2230m", "test bench"): """
        *RST | SOUR1:APPL:SIN | SOUR1:FREQ 1000.0 | SOUR1:AMP 1.0 | SOUR1:DCO 0.0 | SOUR1:PHAS 10 |
        SOUR1:AM:STAT OFF | SOUR1:FREQ:STAR 10 | SOUR1:FREQ:STOP 100 | SOUR1:SWE:TIME 1 |
        SOUR1:SWE:STAT OFF | OUTP1? | OUTP1 OFF
    """,
    ("lakeshore336", "qcodes"): """
        KRDG? A | SRDG? A | RDGST? A | INNAME A,"stage" | INNAME? A | TLIMIT A, 300 | TLIMIT? A |
        INCRV? A | CRVHDR? 2 | INTYPE A, 1, 0, 0, 0, 1 | INTYPE? A | PID 1,40,20,0 | PID? 1 | OUTMODE
        1, 1, 1, 0 | OUTMODE? 1 | RANGE 1, 2 | RANGE? 1 | SETP 1, 290 | SETP? 1 | RAMP 1,1,5 | RAMP? 1
        | RAMPST? 1 | HTR? 1 | HTRSET? 1
    """,
    ("lakeshore336", "socs"): """
        KRDG? 0 | SRDG? 0 | HTRSET 1,2,1,0,1 | MOUT 1,10 | MOUT? 1 | RANGE 1,0 | CRVHDR
        21,stage,S1,2,325.0,1 | CRVHDR? 21 | CRVPT 21, 1, 1.5, 20.0 | CRVPT? 21,1 | SCAL
        1,22,S2,4.2,1.6,77.35,1.0,305.0,0.5 | CRVPT? 22,2 | CRVDEL 21 | INCRV A,22
    """,
    ("lakeshore336", "frappy"): """
        KRDG?A | RDGST?A | RANGE 1,2;RANGE?1 | SETP 1,290;*OPC?
    """,
    ("lakeshore336", "epics"): """
        AOUT? 3 | TUNEST? | ZONE? 1,1 | ZONE 1,1,100.0,50.0,20.0,0.0,0.0,3,1,0.1 | ALARMST? A | ALARM?
        A | HTRST? 1 | ATUNE 1,1 | MOUT 1,0.000000 | PID 1,50.000000,20.000000,0.000000
    """,
    ("lakeshore336", "labmcp"): """
        *CLS | OUTMODE? 4 | RANGE? 3 | INTYPE? D | RANGE 4,1 | RANGE 4,0
    """,
}


@pytest.mark.parametrize(("box", "driver"), SENT, ids=lambda word: word)
def test_what_a_driver_sends_is_understood_and_its_questions_are_answered(box, driver):
    bench = SimBench(seed=1)
    instrument = bench.boxes[box]
    instrument.receive(b"*CLS")
    for message in " ".join(SENT[box, driver].split()).split(" | "):
        reply = instrument.receive(message.encode())
        assert (reply is not None) == ("?" in message), message
        assert not instrument.errors and not instrument.event_status & 0b111100, message


def test_a_soft_calibration_makes_a_curve_of_its_points():
    instrument = SimBench().boxes["lakeshore336"]
    instrument.receive(b"SCAL 1,22,S2,4.2,1.6,77.35,1.0")
    assert instrument.receive(b"CRVPT? 22,2") == b"+1.00000,+77.350"
    instrument.receive(b"DFLT 98")
    assert instrument.receive(b"CRVPT? 22,2") == b"+1.00000,+77.350"
    instrument.receive(b"SETP 1,250;DFLT 99")
    assert instrument.receive(b"CRVPT? 22,2") == b"+0.00000,+0.000"
