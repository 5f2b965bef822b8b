CREATE DATABASE doorstep_billing OWNER doorstep;
