"""mmlife_lib - the parts of scripts/mmlife.

cli      subcommands and exit statuses      options  words of `run`, their checks
qemu     the QEMU command line              machine  one boot: follow, watch, judge
console  the terminal and typed input       records  JSON Lines of a log
stats    tests of significance, fits        svg      plots
report   one HTML file                      compare  ratios between two logs
trace    Chrome/Perfetto trace JSON
"""
