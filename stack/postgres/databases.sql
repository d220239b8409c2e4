-- Run once, when the volume is empty: one database for each service.
CREATE DATABASE auth;
CREATE DATABASE orders;
CREATE DATABASE notifications;
