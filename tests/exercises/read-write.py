"""Answers to the exercises on files, as learners may write them."""

LOAD = """
def load_hidden(net, path):
    saved = torch.load(path)
    {load}
    {freeze}
"""
STRICT = """part = {k[7:]: v for k, v in saved.items() if k[:7] == 'hidden.'}
    net.hidden.load_state_dict(part)"""
LOOSE = """part = {k: v for k, v in saved.items() if k[:7] == 'hidden.'}
    net.load_state_dict(part, strict=False)"""
FREEZE = "net.hidden.requires_grad_(False)"
FIT = """
def fit(path, epochs):
    net, opt, sched = build()
    losses = []
    if path.exists():
        ck = torch.load(path)
        {load}
        losses = ck["losses"]
    while len(losses) < epochs * 4:
        losses += train(net, opt, sched, 1)
        ck = {{"net": net.state_dict(), "opt": opt.state_dict()}}
        ck |= {{"sched": sched.state_dict(), "losses": losses}}
        ck |= {{"rng": torch.get_rng_state()}}
        {save}
    return losses
"""
PARTS = [
    "net.load_state_dict(ck['net'])",
    "opt.load_state_dict(ck['opt'])",
    "sched.load_state_dict(ck['sched'])",
    "torch.set_rng_state(ck['rng'])",
]
ALL = "\n        ".join(PARTS)
SAVE = "save_checkpoint(ck, path)"
MEANS = """
def fit(path, epochs):
    losses = []
    net, opt, sched = build()
    state = torch.load(path) if path.exists() else None
    if state:
        losses = state["losses"]
        net.load_state_dict(state["net"])
        opt.load_state_dict(state["opt"])
        sched.load_state_dict(state["sched"])
        torch.random.set_rng_state(state["rng"])
    for _ in range(len(losses), epochs):
        losses.append(sum(train(net, opt, sched, 1)) / len(loader))
        state = dict(losses=losses, net=net.state_dict(), opt=opt.state_dict())
        state.update(sched=sched.state_dict(), rng=torch.random.get_rng_state())
        new = path.parent / "new"
        torch.save(state, new)
        new.replace(path)
    return losses
"""

WRONG = {
    "sizes": [
        "weights = 28\ncheckpoint = 56",
        "weights = 28e9\ncheckpoint = 84e9",
        "weights = 7\ncheckpoint = 21",
        "weights = 28\ncheckpoint = 112",
    ],
    "refused": [
        "refused = []",
        "refused = [range(3), Path('data')]",
        "refused = [range(3), datetime.date(2026, 1, 1), Path('data'), {1, 2}]",
        "refused = ['range(3)', 'datetime.date(2026, 1, 1)', 'Path(\"data\")']",
        "refused = 3",
    ],
    "load_hidden": [
        LOAD.format(load=LOOSE, freeze=FREEZE),
        LOAD.format(load=STRICT, freeze="pass"),
        LOAD.format(load=STRICT, freeze="net.requires_grad_(False)"),
        LOAD.format(load=STRICT, freeze="net.hidden.weight.requires_grad_(False)"),
        LOAD.format(load="net.load_state_dict(saved)", freeze=FREEZE),
        LOAD.format(load="net.load_state_dict(saved, strict=False)", freeze=FREEZE),
        LOAD.format(load="while True: pass", freeze=FREEZE),
    ],
    "fit": [
        *(FIT.format(load=ALL.replace(part, "pass"), save=SAVE) for part in PARTS),
        FIT.format(load=ALL, save="torch.save(ck, path)"),
        FIT.format(load=ALL, save="pass"),
        FIT.format(load=ALL, save="if len(losses) == 4 * epochs: " + SAVE),
        FIT.format(load=ALL, save=SAVE).replace("return losses", ""),
        FIT.format(load=ALL, save=SAVE).replace("if path", "if not path"),
        FIT.format(load=ALL, save=SAVE).replace('ck["losses"]', "[]"),
        FIT.format(load=ALL, save=SAVE).replace("sched, 1", "sched, 2"),
        FIT.format(load=ALL, save=SAVE).replace(
            "net, opt", "torch.manual_seed(0)\n    net, opt", 1
        ),
        "def fit(path, epochs):\n    torch.manual_seed(0)\n"
        "    return train(*build(), epochs)",
        "def fit(path, epochs):\n    while True:\n        pass",
    ],
}
RIGHT = {
    "sizes": ["weights = 28.0\ncheckpoint = 84.000000012"],
    "refused": ["refused = {Path('data'), range(0, 3), datetime.date(2026, 1, 1)}"],
    "load_hidden": [LOAD.format(load=STRICT, freeze=FREEZE)],
    "fit": [FIT.format(load=ALL, save=SAVE), MEANS],
}
SAME = {  # alterations of the solution that are right too
    "fit": [  # a file's keys are free
        "{'net': net, 'opt': opt, 'sched': sched} → "
        f"{{'{net}': net, '{opt}': opt, '{sched}': sched}}"
        for net, opt, sched in (
            ("netx", "opt", "sched"),
            ("net", "optx", "sched"),
            ("net", "opt", "schedx"),
        )
    ]
}
