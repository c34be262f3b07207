"""Which device each step of a draft meets, fed by what; and the question to the operator a new step needs."""

from collections.abc import Iterator
from dataclasses import replace

from procedures.base import SourceRole
from qdlab.config import Connection, ProcedureStep
from qdlab.config.steps import STEP_MODELS
from qdlab.live.plan_draft import Draft, DraftStep, Key, all_keys, inserted, step_at

TEXTS = {
    "source_meter": "Connect the source meter to {device}; nothing else on that pixel, cover closed.",
    "pulse_generator": "Disconnect the source meter. Connect the pulse generator to {device}, no 50 ohm"
    " terminator; photodiode in place, cover closed.",
}


def connections(draft: Draft) -> dict[Key, Connection]:
    """What is between the clips at every step that measures, by where it stands."""
    return {key: connection for key, step, connection in _walked(draft) if connection and _measures(step)}


def connection_before(draft: Draft, key: Key) -> Connection | None:
    """What is connected when the step there begins, or one that is put there."""
    found = None
    for other, _, connection in _walked(draft):
        if other >= key:
            break
        found = connection
    return _at_first(draft) if found is None else found


def with_new_step(draft: Draft, key: Key, step: DraftStep) -> tuple[Draft, Key]:
    """With a step put in there, and where it stands then.

    One that needs another source than is connected comes behind the outermost step, where somebody can be
    asked to change the cables, with that question before it.
    """
    needed = _source_of(step)
    here = connection_before(draft, key)
    if needed is None or here is None or here.source == needed:
        return inserted(draft, key, step), key
    if len(key) > 1:
        key = (key[0] + 1,)
    others = [device for device in draft.devices if device != here.device]
    device = others[0] if others and needed == "pulse_generator" else here.device
    question = DraftStep(
        kind="operator",
        table={"text": TEXTS[needed].format(device=device), "device": device, "source": needed},
    )
    behind = (*key[:-1], key[-1] + 1)
    return inserted(inserted(draft, key, question), behind, step), behind


def _walked(draft: Draft) -> Iterator[tuple[Key, DraftStep, Connection | None]]:
    """Every step in the order of the file, with what is connected once it has begun."""
    connection = _at_first(draft)

    def walk(steps: tuple[DraftStep, ...], inside: Key) -> Iterator[tuple[Key, DraftStep, Connection | None]]:
        nonlocal connection
        for number, step in enumerate(steps):
            connection = _made_by(step, draft) or connection
            yield (*inside, number), step, connection
            yield from walk(step.steps, (*inside, number))

    return walk(draft.steps, ())


def _made_by(step: DraftStep, draft: Draft) -> Connection | None:
    """What an operator is asked to connect."""
    device, source = step.table.get("device"), step.table.get("source")
    if step.kind != "operator" or step.skip or device not in draft.devices or source not in TEXTS:
        return None
    return Connection(device=str(device), source=source)


def _at_first(draft: Draft) -> Connection | None:
    """The first device, fed by what the first measurement needs; None where an operator is asked first."""
    for key in all_keys(draft):
        step = step_at(draft, key)
        source = _source_of(replace(step, steps=()))
        if _made_by(step, draft) is not None or not draft.devices:
            return None
        if source is not None:
            return Connection(device=next(iter(draft.devices)), source=source)
    return None


def _measures(step: DraftStep) -> bool:
    return issubclass(STEP_MODELS[step.kind], ProcedureStep)


def _source_of(step: DraftStep) -> SourceRole | None:
    """What has to feed the device at this step; of one that holds steps, at the first of those."""
    if step.steps:
        return _source_of(step.steps[0])
    model = STEP_MODELS[step.kind]
    return model.procedure_class.source if issubclass(model, ProcedureStep) else None
