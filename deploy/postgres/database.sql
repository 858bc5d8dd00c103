-- Once, on the primary: the registry's role and its database. The registry makes the rest itself.
--   psql -U postgres -v password="$(cat db-password)" -f database.sql
CREATE ROLE registry LOGIN PASSWORD :'password';
CREATE DATABASE registry OWNER registry ENCODING 'UTF8' TEMPLATE template0;
