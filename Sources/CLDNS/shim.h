#include <stdio.h>
#include <stdlib.h>
#include <ldns/ldns.h>
