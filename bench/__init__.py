"""Speed, as ratios against peers in one run: `python -m bench [http|mail|inspect|crs]`. Figures are medians of
alternating runs, in requests or messages per second of CPU time of the process measured."""
