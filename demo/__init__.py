"""The demo: real purchases, every button pressed twice, processes killed at random, and a reconciliation at the end.

    make demo    make demo PURCHASES=500    make demo FILE=other.csv

The data is the sample of Fader and Hardie from CDNOW's customers, http://www.brucehardie.com/datasets/ (CDNOW_sample):
6,919 purchases of 2,357 customers in 1997 and 1998, 244,091.94 USD.
"""
