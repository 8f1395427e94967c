{{ versions('addresses') }}
