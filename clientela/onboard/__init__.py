"""Looking at a company's files before anything is loaded: `doctor` under a configuration, `propose` without one."""
