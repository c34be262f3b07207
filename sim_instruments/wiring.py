"""SimBench: four boxes, a cold finger and some pixels, and which terminal is connected to what.

    keithley2400 --- a pixel            cryostat (all pixels) --- lakeshore336
    mfg2230m CH1 --- another pixel      photodiode over both  --- keithley6514

`mount` is what the operator does with the cables; the source meter and the generator never meet on one pixel.
The bench stands as its last user left it: outputs off, coolant flowing, the loop holding 297 K.
"""

from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType
from typing import Any, Literal

from sim_instruments.adapter import SimTransport
from sim_instruments.clock import Clock, SimClock
from sim_instruments.connections import GeneratorWiring, Mounted, PhotodiodeWiring, SourceMeterWiring
from sim_instruments.cryostat import Cryostat, CryostatSpec
from sim_instruments.device_under_test import Sample, SampleSpec
from sim_instruments.emission import Photodiode
from sim_instruments.faults import Fault, FaultyLine, FaultyTransport
from sim_instruments.keithley2400 import Keithley2400
from sim_instruments.keithley6514 import Keithley6514
from sim_instruments.lakeshore336 import Lakeshore335, Lakeshore336
from sim_instruments.mfg2230m import MFG2230M
from sim_instruments.presets import preset
from sim_instruments.scpi import ScpiBox
from sim_instruments.wire_log import WireLog

SourceName = Literal["keithley2400", "mfg2230m"]

STANDS_IN: Mapping[str, tuple[type[ScpiBox], ...]] = MappingProxyType(
    {
        "source_meter": (Keithley2400,),
        "light_meter": (Keithley6514,),
        "pulse_generator": (MFG2230M,),
        "temperature_controller": (Lakeshore336, Lakeshore335),
    }
)
"""Role -> the boxes that can play it; the first does unless another is asked for."""

DEFAULT_DEVICES: Mapping[str, str] = MappingProxyType(
    {"li2024/hole-only/1": "li2024-hole-only-110nm", "li2024/light-emitting/1": "li2024-qled"}
)
"""The paper's pixels, by the identifiers of `analysis.published.li2024`."""


class SimBench:
    """The simulated bench.

    Parameters
    ----------
    seed : of all noise, scatter and flicker
    clock : a `SimClock` unless given
    devices : identifier -> what it is made of, or the name of a preset; the paper's two pixels unless given.
        The first without light starts on the source meter, the first with light on the generator
    cryostat, photodiode : what the rest of the set-up is like
    wire_log : notes every message through `transport` and every change of an output
    mains_frequency : of the building [Hz]
    lead_resistance : of the source meter's test leads, seen by two-wire sensing [Ω]
    instead : names of boxes that take the place of the usual one of their role, under their own names
    noise : False leaves out sensor noise and flicker

    Examples
    --------
    >>> bench = SimBench(seed=1)
    >>> controller = bench.transport("lakeshore336")
    >>> controller.write(b"SETP? 1")
    >>> controller.read(1.0)
    b'+297.000'
    """

    def __init__(
        self,
        *,
        seed: int = 0,
        clock: Clock | None = None,
        devices: Mapping[str, SampleSpec | str] | None = None,
        cryostat: CryostatSpec | None = None,
        photodiode: Photodiode | None = None,
        wire_log: WireLog | None = None,
        mains_frequency: float = 50.0,
        lead_resistance: float = 0.0,
        instead: Collection[str] = (),
        noise: bool = True,
    ) -> None:
        self.seed = seed
        self.clock: Clock = clock or SimClock()
        self._wire_log = wire_log
        self.cryostat = Cryostat(clock=self.clock, spec=cryostat or CryostatSpec(), seed=seed, noise=noise)
        self.samples: dict[str, Sample] = {
            identifier: Sample(
                preset(spec) if isinstance(spec, str) else spec, seed=seed, identifier=identifier
            )
            for identifier, spec in (DEFAULT_DEVICES if devices is None else devices).items()
        }
        eye = photodiode or Photodiode()
        self.source_meter = SourceMeterWiring(
            clock=self.clock, cryostat=self.cryostat, lead_resistance=lead_resistance
        )
        self.generator = GeneratorWiring(clock=self.clock, cryostat=self.cryostat, photodiode=eye)
        self.light = PhotodiodeWiring(
            photodiode=eye, source_meter=self.source_meter, generator=self.generator, noise=noise
        )
        models = _models(instead)
        self.keithley2400 = models["source_meter"](
            clock=self.clock, seed=seed, terminals=self.source_meter, mains_frequency=mains_frequency
        )
        self.keithley6514 = models["light_meter"](
            clock=self.clock, seed=seed, terminals=self.light, mains_frequency=mains_frequency
        )
        self.mfg2230m = models["pulse_generator"](clock=self.clock, seed=seed, terminals={1: self.generator})
        self.lakeshore336 = models["temperature_controller"](
            clock=self.clock, seed=seed, cryostat=self.cryostat
        )
        self.source_meter.follow(self.keithley2400)
        if wire_log is not None:
            for box in self.boxes.values():
                box.witness = wire_log.output
        self.lines = {name: FaultyLine(box, bench=self, seed=seed) for name, box in self.boxes.items()}
        self._mounted: dict[SourceName, str] = {}
        self._mount_defaults()

    @property
    def boxes(self) -> Mapping[str, ScpiBox]:
        """The boxes by their names."""
        return MappingProxyType({box.name: box for box in self._boxes})

    @property
    def roles(self) -> Mapping[str, ScpiBox]:
        """The boxes by their roles."""
        return MappingProxyType(dict(zip(STANDS_IN, self._boxes, strict=True)))

    @property
    def _boxes(self) -> tuple[ScpiBox, ...]:
        """One for each role, in the order of `STANDS_IN`."""
        return (self.keithley2400, self.keithley6514, self.mfg2230m, self.lakeshore336)

    def transport(self, box: str) -> FaultyTransport:
        """A cable to a box, without leaving the thread; what was injected happens on it."""
        return FaultyTransport(SimTransport(self.boxes[box], wire_log=self._wire_log), self.lines[box])

    def inject(self, box: str, *faults: Fault) -> FaultyLine:
        """Plan faults on a box's cable, and return the cable; before or after a transport was opened."""
        self.lines[box].add(*faults)
        return self.lines[box]

    @property
    def mounted(self) -> Mapping[SourceName, str]:
        """Which pixel is on which source."""
        return MappingProxyType(self._mounted)

    def prepare(self) -> None:
        """Solve ahead what a first reading needs; a bench that is served must not stop for that."""
        for sample in self.samples.values():
            for volts in (1.0, -1.0):
                sample.layer_current(volts, self.cryostat.sample_temperature)

    def mount(self, device_identifier: str, *, source: SourceName, reversed: bool = False) -> None:
        """Connect a pixel to a source, taking it off the other one.

        Parameters
        ----------
        device_identifier : one of `samples`
        source : the box it goes to
        reversed : the source's LO goes to the injecting contact
        """
        if device_identifier not in self.samples:
            raise ValueError(
                f"no device {device_identifier!r} on the bench; there are {', '.join(self.samples)}"
            )
        for other in [name for name, mounted in self._mounted.items() if mounted == device_identifier]:
            self.unmount(source=other)
        self._mounted[source] = device_identifier
        self._side(source).connect(Mounted(sample=self.samples[device_identifier], reversed=reversed))

    def unmount(self, *, source: SourceName) -> None:
        """Leave a source open."""
        self._mounted.pop(source, None)
        self._side(source).connect(None)

    @property
    def truth(self) -> dict[str, dict[str, Any]]:
        """What was put into the simulation, by device; SI, glossary names. Sealed devices do not tell."""
        return {
            identifier: {"sealed": True} if sample.spec.sealed else sample.truth()
            for identifier, sample in self.samples.items()
        }

    def reveal(self) -> dict[str, dict[str, Any]]:
        """The truth about every device, sealed or not."""
        return {identifier: sample.truth() for identifier, sample in self.samples.items()}

    def _side(self, source: SourceName) -> SourceMeterWiring | GeneratorWiring:
        return self.source_meter if source == "keithley2400" else self.generator

    def _mount_defaults(self) -> None:
        for identifier, sample in self.samples.items():
            source: SourceName = "mfg2230m" if sample.spec.emission else "keithley2400"
            if source not in self._mounted:
                self.mount(identifier, source=source)


def _models(instead: Collection[str]) -> dict[str, Callable[..., Any]]:
    """Role -> the box that plays it."""
    models = {role: boxes[0] for role, boxes in STANDS_IN.items()}
    known = {box.name: (role, box) for role, boxes in STANDS_IN.items() for box in boxes}
    for name in instead:
        if name not in known:
            raise ValueError(f"no simulated box {name!r}; there are {', '.join(known)}")
        role, model = known[name]
        models[role] = model
    return dict(models)
