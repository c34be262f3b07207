"""Speak to one box each: drivers, the link below them and the door that guards what they may say.

    roles       what procedures may ask of a box
    driver      what the drivers share; one file per box beside it, `catalogue` knows them by name
    door        one per box: declared headers only, their effect as a shadow, envelope, arming token
    link        one per bus: deadlines, replies proven to be their question's, reconnection
    streams     sockets and serial ports, with `prologix` on top; `visa` for GPIB and USB
    bench       the opened boxes, and how to make all of them safe

Sockets and serial ports are opened here and not through pyvisa-py: its streams lose what had arrived when a
read times out, and stay one reply behind ever after.
"""
