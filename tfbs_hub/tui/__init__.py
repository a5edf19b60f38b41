"""The terminal UI: experts, gate, evaluations, explanations, jobs and plug-ins, from a laptop to a cluster over SSH.

Models run in processes of their own (`jobs` for long work, `workbench` for questions): torch is never imported here.

    app, core      the application: screens and keys; the registry, models and jobs behind them
    screens/       one screen or dialogue a file
    widgets/       what screens are made of
    charts, logo   drawings in letters and blocks, as rows of styled text
    track/         the attribution track: what is in view, and how it is drawn
    running        jobs that run and jobs that ran
    session, keys  what is remembered between two starts
    themes         colours
    serve          the same in a browser
"""
