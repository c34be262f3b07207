"""Our own source never runs what a file says: no pickle, eval, exec, yaml.load, import by name from data."""

import ast
from pathlib import Path

import pytest

ROOMS = ("analysis", "instruments", "procedures", "sim_instruments", "qdlab")
BANNED_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "cloudpickle",
    "marshal",
    "shelve",
    "joblib",
    "code",
    "asteval",
    "yaml",
}
BANNED_CALLS = {"eval", "exec", "compile", "__import__", "execfile"}
BANNED_ATTRIBUTES = {
    "read_pickle", "load_model", "load_modelresult", "import_module", "run_path", "run_module", "exec_module",
    "spec_from_file_location", "system", "popen", "loadModel",
}  # fmt: skip
ALLOWED = {
    # a command's module is chosen from a fixed list of our own
    ("qdlab/cli.py", "import_module"),
}


def findings(source: str, name: str) -> list[str]:
    """Every banned word of a module, with its line."""
    found = []
    for node in ast.walk(ast.parse(source)):
        words = _words(node)
        found += [f"{name}:{node.lineno} {word}" for word in words if (name, word) not in ALLOWED]  # type: ignore[attr-defined]
    return found


def _words(node: ast.AST) -> set[str]:
    if isinstance(node, ast.Import):
        return {alias.name.split(".")[0] for alias in node.names} & BANNED_MODULES
    if isinstance(node, ast.ImportFrom):
        return set() if node.level else {(node.module or "").split(".")[0]} & BANNED_MODULES
    if not isinstance(node, ast.Call):
        return set()
    if isinstance(node.func, ast.Name):
        return _called(node, node.func.id, BANNED_CALLS | BANNED_ATTRIBUTES)
    if isinstance(node.func, ast.Attribute):
        return _called(node, node.func.attr, BANNED_ATTRIBUTES) | _unpickling(node)
    return set()


def _called(call: ast.Call, name: str, banned: set[str]) -> set[str]:
    """The name where it is banned; importing a module whose name stands in the source is only late."""
    literal = bool(call.args) and isinstance(call.args[0], ast.Constant)
    return set() if name == "import_module" and literal else {name} & banned


def _unpickling(call: ast.Call) -> set[str]:
    """np.load(allow_pickle=True), and PyMeasure's Results.load without a procedure of ours."""
    assert isinstance(call.func, ast.Attribute)
    if any(word.arg == "allow_pickle" for word in call.keywords):
        return {"allow_pickle"}
    owner = call.func.value
    is_results = isinstance(owner, ast.Name) and owner.id == "Results" and call.func.attr == "load"
    given = any(word.arg == "procedure_class" for word in call.keywords)
    return {"Results.load"} if is_results and not given else set()


@pytest.mark.parametrize(
    "line",
    [
        "import pickle",
        "from yaml import load",
        "import dill.source",
        "eval(text)",
        "import importlib\nimportlib.import_module(header['procedure'])",
        "from importlib import import_module\nimport_module(name)",
        "np.load(path, allow_pickle=True)",
        "Results.load(path)",
        "os.system(name)",
    ],
)
def test_the_search_finds_what_it_is_for(line: str) -> None:
    assert findings(line, "example.py")


def test_nothing_in_our_source_runs_data(project_root: Path) -> None:
    files = [file for room in ROOMS for file in (project_root / room).rglob("*.py")]
    assert len(files) > 80
    found = [
        finding
        for file in files
        for finding in findings(file.read_text(encoding="utf-8"), file.relative_to(project_root).as_posix())
    ]
    assert found == []
