"""Reading bench, plan and device files; every refusal is one line with file, key, value and the way out."""

import difflib
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError

from qdlab.config.bench import SIMULATED_BENCH, BenchConfig
from qdlab.config.checks import check_plan
from qdlab.config.device import DeviceConfig
from qdlab.config.fields import Strict
from qdlab.config.plan import PlanConfig
from qdlab.errors import ConfigError

MAXIMUM_FILE_SIZE = 1_000_000  # [byte]; a plan is a page of text, not a data file

Model = TypeVar("Model", bound=Strict)


def load_device(path: Path) -> DeviceConfig:
    """One device file; the sample file it may name lies beside it."""
    document = read_toml(path)
    sample = document.get("simulated_as")
    if isinstance(sample, str) and sample.endswith(".toml"):
        document["simulated_as"] = str(path.parent / sample)
    return _validated(DeviceConfig, document, str(path))


def load_bench(path: Path | str) -> BenchConfig:
    """A bench file, or the simulated bench for ``sim``."""
    if str(path) == "sim":
        return SIMULATED_BENCH
    return _validated(BenchConfig, read_toml(Path(path)), str(path))


def load_plan(path: Path) -> PlanConfig:
    """A plan file with the device files it names beside it, checked as far as that goes without a bench."""
    document = read_toml(path)
    devices = document.get("devices")
    if isinstance(devices, dict):
        document["devices"] = {
            name: load_device(path.parent / device).to_document() if isinstance(device, str) else device
            for name, device in devices.items()
        }
    plan = _validated(PlanConfig, document, str(path))
    check_plan(plan, file=str(path))
    return plan


def plan_from_document(document: Mapping[str, Any], *, file: str = "session.toml") -> PlanConfig:
    """The plan a session was made with, from its document."""
    return _validated(PlanConfig, document, file)


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a small file; refusals are one line with the way out."""
    try:
        if path.stat().st_size > MAXIMUM_FILE_SIZE:
            raise ConfigError(
                f"{path}: larger than {MAXIMUM_FILE_SIZE} bytes; this is not a configuration file"
            )
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{path}: there is no such file") from None
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: is not UTF-8 text; save it as UTF-8") from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError(f"{path}: is not TOML: {error}") from None


def _validated(model: type[Model], document: Mapping[str, Any], file: str) -> Model:
    try:
        return model.model_validate(document)
    except ValidationError as error:
        raise ConfigError(f"{file}: {_first_problem(error, document)}") from None


def _first_problem(error: ValidationError, document: Mapping[str, Any]) -> str:
    """One line: key, value, what is wrong, the way out."""
    first = error.errors(include_url=False)[0]
    key = _dotted(list(_path_in(document, first["loc"])))
    value = first["input"]
    match first["type"]:
        case "missing":
            return f"{key} is missing; add it"
        case "union_tag_not_found":
            return f"{key}.kind is missing; say what the step does"
        case "union_tag_invalid":
            return f"{key}.kind = {value['kind']!r}: {_choice_message(first, value['kind'])}"
        case "literal_error":
            message = _choice_message(first, value)
        case "value_error":
            message = str(first["ctx"]["error"])
        case _:
            message = first["msg"].replace("Input should be", "must be")
    if isinstance(value, Mapping):
        return f"{key} {message}" if key else f"the file {message}"
    return f"{key} = {_shown(value)}: {message}"


def _choice_message(first: Any, given: Any) -> str:
    context = first["ctx"]
    words = re.findall(r"'([^']+)'", context.get("expected_tags") or context["expected"])
    near = difflib.get_close_matches(str(given), words, n=1)
    return f"is not one of {', '.join(words)}" + (f"; did you mean {near[0]!r}?" if near else "")


def _path_in(document: Any, location: Sequence[str | int]) -> Iterator[str | int]:
    """The location as it stands in the file: without the tags pydantic puts in for unions."""
    here: Any = document
    for part in location:
        in_list = isinstance(here, list) and isinstance(part, int)
        if in_list or (isinstance(here, Mapping) and part in here):
            here = here[part]
        elif not isinstance(here, Mapping) or here.get("kind") == part:
            continue
        yield part


def _dotted(path: Sequence[str | int]) -> str:
    text = ""
    for part in path:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:77]}..."
